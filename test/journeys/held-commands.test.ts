import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What an operator does to what is held, by name, beside a server that runs.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');

let directory: string;
let pypi: FakePypi;
let server: RunningVerbatim;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-held-'));
  pypi = await startFakePypi();
  pypi.upload('alpha', ALPHA);
  server = await startVerbatim(upstream(), join(directory, 'data'));
});
afterEach(async () => {
  await server.close();
  await pypi.close();
  await rm(directory, { recursive: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const run = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await verbatim(...words, ...upstream(), '--data', join(directory, 'data'), '--json');
  return { code, stderr, said: stdout === '' ? undefined : JSON.parse(stdout) };
};
const get = async (path: string) => (await fetch(new URL(path, server.simple))).arrayBuffer();
const fetched = () => pypi.files.asked(pypi.storedAt(ALPHA)).length;
const state = <T>(read: (audit: readonly string[], pins: number) => T) =>
  withState(join(directory, 'data'), async (index) => {
    const audit = (await index.facts.read())?.value.audit ?? [];
    return read(
      audit.map(({ action, reason }) => `${action}: ${reason}`),
      (await index.pins('alpha').read())?.value.size ?? 0,
    );
  });

describe('verbatim forget', () => {
  beforeEach(async () => {
    await get('alpha/');
    await get(pypi.storedAt(ALPHA));
    await get(`${pypi.storedAt(ALPHA)}.metadata`);
    // Both are on disk, the small one a moment later.
    await expect.poll(async () => (await run('forget', 'main', 'alpha', '--dry-run')).said.forgotten.length).toBe(2);
    expect(fetched()).toBe(1);
  });

  it('says what it would drop, and drops nothing', async () => {
    const { said } = await run('forget', 'main', 'Alpha', ALPHA.filename, '--dry-run');
    expect(said).toMatchObject({ project: 'alpha', dryRun: true });
    expect(said.forgotten.map(({ file }: { file: string }) => file)).toEqual([
      ALPHA.filename,
      `${ALPHA.filename}.metadata`,
    ]);
    await get(pypi.storedAt(ALPHA));
    expect(fetched()).toBe(1);
    expect(await state((audit) => audit)).toEqual([]);
  });

  it('drops the bytes and not the pins, and the server fetches them again', async () => {
    const { code, said } = await run('forget', 'main', 'alpha', '--reason', 'ticket 17');
    expect([code, said.forgotten.length]).toEqual([0, 2]);
    expect((await run('forget', 'main', 'alpha')).said.forgotten).toEqual([]);
    expect(Buffer.from(await get(pypi.storedAt(ALPHA))).equals(ALPHA.bytes)).toBe(true);
    expect(fetched()).toBe(2);
    expect(await state((audit, pins) => [audit, pins])).toEqual([['forget alpha: ticket 17'], 1]);
  });

  it('refuses a file that was never seen, and an index that there is not', async () => {
    const unknown = await run('forget', 'main', 'alpha', 'alpha-9.0-py3-none-any.whl');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('was ever seen here')]);
    expect((await run('forget', 'other', 'alpha')).code).toBe(1);
  });
});

describe('verbatim refresh', () => {
  it('asks upstream now, stores what is believed, and is audited', async () => {
    await get('alpha/');
    pypi.upload('alpha', NEWER);
    const asked = pypi.asked('alpha').length;
    const dry = await run('refresh', 'main', 'alpha', '--dry-run');
    expect(dry.said).toMatchObject({ project: 'alpha', dryRun: true, held: expect.stringMatching(/Z$/) });
    expect(pypi.asked('alpha')).toHaveLength(asked);
    expect((await run('refresh', 'main', 'alpha')).said).toMatchObject({ result: 'changed' });
    expect((await run('refresh', 'main', 'alpha')).said).toMatchObject({ result: 'unchanged' });
    expect((await run('refresh', 'main', 'nothing')).said).toMatchObject({ result: 'absent' });
    expect(await state((audit, pins) => [audit.length, audit[0], pins])).toEqual([3, 'refresh alpha: by hand', 2]);
  });

  it('says why where upstream cannot be had', async () => {
    pypi.page('alpha', () => ({ status: 502, headers: {}, body: Buffer.from('') }));
    const { code, stderr } = await run('refresh', 'main', 'alpha');
    expect([code, stderr]).toEqual([1, expect.stringContaining('502')]);
  });
});
