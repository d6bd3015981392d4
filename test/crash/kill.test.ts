import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { blobsOn } from '../support/blobs-on.ts';
import { openState } from '../support/state.ts';
import { contentOf, expectedOf, pageOf, pinOf } from './work.ts';

const CHILD = join(import.meta.dirname, 'child.ts');
const CLEAN = 9;

/** One round that dies at step `at`; true where it came through. */
async function round(data: string, version: number, at: number, cache: string): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, data, String(version), String(at)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Compiled once, by the round that comes through: the others die before they could write it.
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  const errors: Buffer[] = [];
  child.stderr.on('data', (part: Buffer) => errors.push(part));
  const [code, signal] = await once(child, 'close');
  if (code === CLEAN) return true;
  expect(signal, Buffer.concat(errors).toString()).toBe('SIGKILL');
  return false;
}

it('killed at each durable step in turn: whole, right files, and trust no lower than before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-crash-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const data = join(directory, 'data');
  const cache = join(directory, 'cache');
  expect(await round(join(directory, 'other'), 1, Number.MAX_SAFE_INTEGER, cache)).toBe(true);
  let version = 0;
  let floored = 0;
  let pinned = 0;
  let saved = 0;
  for (let at = 1; ; at++) {
    const clean = await round(data, at, at, cache);
    const opened = await openState(data);
    const { state, volume } = opened;
    // What the dead process left is gone; only our own directory is there.
    expect(await readdir(join(data, 'tmp'))).toHaveLength(1);
    expect((await opened.databases.open('main')).damaged).toEqual([]);
    const { blobs, close } = blobsOn(volume);
    expect((await blobs.verifyAll()).wrong).toEqual([]);
    for (let each = 1; each <= at; each++) {
      const blob = await blobs.open(expectedOf(each));
      if (blob !== undefined) expect(contentOf(each).equals(await blob.bytes(blob.size))).toBe(true);
    }
    const floor = await state.trust.timestamp();
    expect(floor?.version ?? 0).toBeGreaterThanOrEqual(floored);
    floored = floor?.version ?? 0;
    const stored = await state.trust.load();
    const now = stored?.rootVersion ?? 0;
    expect(now).toBeGreaterThanOrEqual(version);
    expect([version, at]).toContain(now);
    // A floor and a root are there before what follows from them.
    expect(floored).toBeGreaterThanOrEqual(now);
    version = now;
    if (stored !== undefined) {
      expect(Buffer.from(stored.timestamp).toString()).toBe(`timestamp ${now}`);
      expect(Buffer.from(stored.snapshot).toString()).toBe(`snapshot ${now}`);
      expect(Buffer.from(stored.targets).toString()).toBe(`targets ${now}`);
      expect(Buffer.from(stored.roots.get(now) ?? '').toString()).toBe(`root ${now}`);
    }
    const pins = await createPins(state).of('demo');
    for (const [file, pin] of pins) expect(pin.digests).toEqual(pinOf(Number(file.slice(1))).digests);
    expect(pins.size).toBeGreaterThanOrEqual(pinned);
    pinned = pins.size;
    const page = await createPageStore(state).load('demo');
    const seen = page?.seenSerial ?? 0;
    expect(seen).toBeGreaterThanOrEqual(saved);
    if (page !== undefined) expect(page).toEqual({ ...pageOf(seen), version: page.version });
    saved = seen;
    await close();
    await opened.close();
    if (!clean) continue;
    expect(version).toBe(at);
    expect(at).toBeGreaterThan(30);
    return;
  }
}, 600_000);
