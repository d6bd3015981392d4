import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { type Call, callsIn, canTrace, isSync } from './system-calls.ts';

const CHILD = join(import.meta.dirname, 'trace.child.ts');
const CALLS = 'trace=write,pwrite64,fsync,fdatasync,getdents64';

/** What happened between two lines that the process wrote. */
function between(calls: readonly Call[], from: string, to: string): readonly Call[] {
  const at = (text: string) => calls.findIndex(({ name, line }) => name === 'write' && line.includes(`"${text}\\n"`));
  expect(at(from)).toBeGreaterThanOrEqual(0);
  expect(at(to)).toBeGreaterThan(at(from));
  return calls.slice(at(from) + 1, at(to));
}

/** The calls of a process that says what it does. */
async function traced(): Promise<readonly Call[]> {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-trace-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const output = join(directory, 'trace');
  const { status, stderr } = spawnSync(
    'strace',
    ['-f', '-y', '-s', '128', '-e', CALLS, '-o', output, process.execPath, CHILD, join(directory, 'data')],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  expect(status, stderr).toBe(0);
  return callsIn(await readFile(output, 'utf8'));
}

/** The log is synced after it was last written. */
function expectSynced(during: readonly Call[], log: string): void {
  const calls = during.filter(({ on }) => on.endsWith(log));
  const written = calls.findLastIndex(({ name }) => name === 'pwrite64');
  const synced = calls.findLastIndex((call) => isSync(call) && call.line.endsWith('= 0'));
  expect(written).toBeGreaterThanOrEqual(0);
  expect(synced).toBeGreaterThan(written);
}

it.runIf(canTrace())(
  'a version is on the disk before its create is answered, and a read syncs nothing; a document before its sync is',
  async () => {
    const calls = await traced();
    for (let version = 1; version <= 5; version++)
      expectSynced(between(calls, `asked ${version}`, `answered ${version}`), '/state.db-wal');
    // Forty that come together are one or two transactions, each with one sync.
    expect(between(calls, 'asked many', 'answered many').filter(isSync).length).toBeLessThanOrEqual(4);
    const reading = between(calls, 'asked to read', 'answered what was read');
    expect(reading.filter((call) => isSync(call) || call.name === 'getdents64')).toEqual([]);
    for (let at = 0; at < 5; at++) {
      const name = at.toString(16).repeat(64);
      const during = between(calls, `asked to sync ${name}`, `synced ${name}`);
      expectSynced(during, '/documents.db-wal');
      expect(during.filter((call) => isSync(call) && call.on.includes('/documents/'))).toHaveLength(1);
    }
  },
  240_000,
);
