import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LONG = 180_000;

/** `node src/main.ts demo --offline --json`, with pip where this machine has one. */
function demo() {
  return new Promise<{ status: number; stdout: string; story: string }>((resolve) => {
    const child = execFile(process.execPath, [MAIN, 'demo', '--offline', '--json'], (_, stdout, stderr) =>
      resolve({ status: child.exitCode ?? 1, stdout, story: stderr }),
    );
  });
}

interface Addresses {
  readonly upstream: Sides;
  readonly mirror: Sides;
  readonly root: string;
}

interface Sides {
  readonly pages: string;
  readonly metadata: string;
  readonly targets: string;
}

async function bytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return Buffer.from(await response.bytes());
}

it('the demo goes as told, and its last line names both sides', { timeout: LONG }, async () => {
  const { status, stdout, story } = await demo();
  expect(story).not.toMatch(/FAILED|✘/);
  expect(status).toBe(0);
  const told = (how: string) => story.match(new RegExp(`^  ${how} `, 'gm'))?.length;
  // As the story goes, and once more for each attack in the table behind it.
  expect({ ok: told('ok'), limit: told('LIMIT') }).toEqual({ ok: 21 + 6, limit: 1 + 1 });
  const lines = stdout.trimEnd().split('\n');
  const { upstream, mirror, root } = JSON.parse(lines.at(-1) ?? '') as Addresses;
  const loopback = /^http:\/\/127\.0\.0\.1:\d+\//;
  for (const url of [...Object.values(upstream), ...Object.values(mirror)]) expect(url).toMatch(loopback);
  expect(mirror).toEqual({
    pages: expect.stringMatching(/\/simple\/$/),
    metadata: expect.stringMatching(/\/tuf\/metadata\/$/),
    targets: expect.stringMatching(/\/tuf\/targets\/$/),
  });
  expect(existsSync(root), 'what it wrote is removed').toBe(false);
});

it('kept running, index and mirror agree byte for byte until it is told to stop', { timeout: LONG }, async () => {
  const child = spawn(process.execPath, [MAIN, 'demo', '--offline', '--keep', '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    // Without a search path there is no Python: the demo's own client stands in for pip.
    env: { ...process.env, PATH: '/nonexistent' },
  });
  try {
    const [line] = await once(createInterface(child.stdout), 'line');
    const { upstream, mirror, root } = JSON.parse(String(line)) as Addresses;
    expect(await bytes(`${mirror.metadata}1.root.json`)).toEqual(await readFile(root));
    const timestamp = await bytes(`${mirror.metadata}timestamp.json`);
    expect(timestamp).toEqual(await bytes(`${upstream.metadata}timestamp.json`));
    const version = JSON.parse(timestamp.toString('utf8')).signed.meta['snapshot.json'].version;
    for (const path of [`${version}.snapshot.json`, '1.targets.json'])
      expect(await bytes(mirror.metadata + path)).toEqual(await bytes(upstream.metadata + path));
    expect(await bytes(`${mirror.targets}simple/demo-kettle/index.html`)).toEqual(
      await bytes(`${upstream.targets}simple/demo-kettle/index.html`),
    );
    for (const { pages } of [upstream, mirror])
      expect((await bytes(`${pages}demo-kettle/`)).toString('utf8')).toContain('demo_kettle-1.4-py3-none-any.whl');
    const over = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await over).toEqual([0, null]);
    expect(existsSync(root), 'what it wrote is removed').toBe(false);
  } finally {
    child.kill('SIGKILL');
  }
});

it('stopped before its end, it says so and fails', { timeout: LONG }, async () => {
  const child = spawn(process.execPath, [MAIN, 'demo', '--offline', '--json'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let story = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      story += text;
    });
    const over = once(child, 'exit');
    await once(child.stderr, 'data');
    child.kill('SIGTERM');
    expect(await over).toEqual([1, null]);
    expect(story).toContain('Stopped.');
  } finally {
    child.kill('SIGKILL');
  }
});
