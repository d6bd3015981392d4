import { mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { signingKey } from '../../support/sender.ts';
import { sparseBundle } from '../../support/sparse-bundle.ts';
import { startCommand } from '../../support/verbatim.ts';

// What an import takes of memory does not grow with what it brings.

const MIB = 1024 * 1024;
const FILE_BYTES = 64 * MIB;
const FILES = 32;
/** Beyond what a process has that imports next to nothing. */
const MOST_MORE = 150 * MIB;

/** The most memory that `verbatim import` ever had. Bytes. */
async function peakOf(bundle: string, config: string): Promise<number> {
  const { pid, ended } = startCommand(['import', bundle, '--config', config, '--json']);
  let peak = 0;
  let isOver = false;
  const over = ended.then((end) => {
    isOver = true;
    return end;
  });
  while (!isOver) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { code, stdout, stderr } = await over;
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ number: 1, heldBack: [] });
  return peak;
}

/** In memory where there is room. */
async function roomy(): Promise<string> {
  const shared = await statfs('/dev/shm').catch(() => undefined);
  const isLarge = shared !== undefined && shared.bavail * shared.bsize > 3 * FILES * FILE_BYTES;
  return mkdtemp(join(isLarge ? '/dev/shm' : tmpdir(), 'verbatim-memory-'));
}

it('an import of two gigabytes takes as little memory as a small one', async () => {
  const scratch = await roomy();
  onTestFinished(() => rm(scratch, { recursive: true }));
  const key = await signingKey();
  const peaks: number[] = [];
  for (const [name, files, size] of [
    ['small', 1, 1024],
    ['large', FILES, FILE_BYTES],
  ] as const) {
    const config = join(scratch, `${name}.yaml`);
    await writeFile(
      config,
      `data: ${join(scratch, name)}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key.public} }]\n`,
    );
    const bundle = join(scratch, `${name}.tar`);
    await sparseBundle(bundle, key, files, size);
    peaks.push(await peakOf(bundle, config));
  }
  const [small = 0, large = 0] = peaks;
  expect(small).toBeGreaterThan(10 * MIB);
  expect(large - small).toBeLessThan(MOST_MORE);
}, 240_000);
