import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';
import { openVolume } from '../../../src/disk/volume.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-cli-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  Object.defineProperty(process, 'stdin', stdin);
  await rm(directory, { recursive: true, force: true });
});

/** What is said instead of ending this process; empty where nothing is refused. */
async function said(...line: readonly string[]): Promise<string> {
  const program = createProgram(() => undefined, line[0]);
  const told: string[] = [];
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: (text) => told.push(text) });
    for (const each of command.commands) quiet(each);
  };
  quiet(program);
  const ended: unknown = await program.parseAsync(['node', 'verbatim', ...line]).catch((error: unknown) => error);
  return `${told.join('')}${ended instanceof Error ? ended.message : ''}`;
}

/** Of two indexes, neither of which was ever asked. */
async function configured(): Promise<readonly string[]> {
  const config = join(directory, 'verbatim.yaml');
  const data = join(directory, 'data');
  const index = { upstream: 'http://127.0.0.1:1/', evidence: 'index' };
  await writeFile(config, JSON.stringify({ data, indexes: { main: index, other: index } }));
  await (await openVolume(data)).close();
  return ['--config', config];
}

const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') ?? {};
/** What is typed, or piped in. */
function typing(...lines: readonly string[]): void {
  Object.defineProperty(process, 'stdin', { value: Readable.from(lines), configurable: true });
}

describe('a line that asks for what cannot be', () => {
  it.each([
    [['export', 'place', '--again', '0'], 'Not the number of a bundle'],
    [['export', 'place', '--since', 'first'], 'Not the number of a bundle'],
    [['export', 'place', '--serve-for', '0'], 'Not a number of days'],
    [['export', 'place', '--serve-for', '36501'], 'Not a number of days'],
    [['export', 'place', '--piece-size', 'GiB'], 'Not a size'],
    [['export', 'place', '--piece-size', '4 furlongs'], 'Not a size'],
    [['export', 'place', '--piece-size', '999999999GiB'], 'Not a size'],
    [['export', 'place', '--piece-size', '65535'], 'A piece has at least 65536 bytes'],
    [['export', 'place', '--again', '1', '--since', '1'], '--again makes a bundle as it was'],
    [['export', 'place', '--announce-from', '2026-01-01T00:00:00Z'], '--announce-from goes with --announce-key'],
    [['import'], 'Say which files, or which directory to watch'],
    [['import', 'a.tar', '--watch', '.'], 'Say which files, or which directory to watch'],
    [['sync', 'main', '--project', 'a', '--dry-run', '--check'], 'go one without the other'],
    [['sync', 'main', '--project', 'a', '--resolver', 'pip'], '--resolver goes with --check'],
    [['sync', 'main'], 'Say what is to be held'],
    [['sync', 'main', '--job', 'nightly'], 'has no sync.jobs.nightly'],
    [['serve', '--admin-host', '::1'], '--admin-host goes with --admin-port'],
    [['hash-password', '#a'], 'A name holds no colon'],
    [['hash-password', 'a:b', '--token'], 'A name holds no colon'],
  ])('is refused in words: %j', async (line, words) => {
    expect(await said(...line)).toContain(words);
  });

  it.each(['export', 'receipt'])('of one index of several is asked which: %s', async (command) => {
    const config = await configured();
    expect(await said(command, directory, ...config)).toContain('Say which index: --index with one of main, other');
  });
});

describe('an export', () => {
  it('writes nothing into the data directory of another user, though root may', async () => {
    const config = await configured();
    const data = join(directory, 'data');
    if (process.getuid?.() === 0) await chown(data, 1, 1);
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(await said('export', directory, '--index', 'main', ...config)).toContain(
      `belongs to user ${(await stat(data)).uid}: export as that user`,
    );
  });

  it('of an index of which nothing is held carries nothing', async () => {
    const config = await configured();
    expect(await said('export', directory, '--index', 'main', ...config)).toContain('there is nothing to carry');
  });
});

it('a question about records that none answers ends as one that failed', async () => {
  const config = await configured();
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const failed = vi.fn();
  await createProgram(failed, 'events').parseAsync(['node', 'verbatim', 'events', ...config]);
  expect(failed).toHaveBeenCalledOnce();
});

it('what is held here is written over no file', async () => {
  const config = await configured();
  const file = join(directory, 'receipt');
  await writeFile(file, 'mine');
  expect(await said('receipt', file, '--index', 'main', ...config)).toContain(`${file} exists already`);
  expect(await readFile(file, 'utf8')).toBe('mine');
});

describe('a secret that is typed', () => {
  it('is none where it is empty', async () => {
    const key = join(directory, 'key');
    typing('\n');
    expect(await said('keygen', key, '--passphrase')).toContain('An empty passphrase encrypts nothing');
    typing('\n');
    expect(await said('hash-password', 'anna')).toContain('An empty password lets everybody in');
  });

  it('signs bundles with a key that is written over no other', async () => {
    const key = join(directory, 'key');
    await writeFile(`${key}.pub`, 'mine');
    typing('a passphrase\n');
    expect(await said('keygen', key, '--passphrase')).toContain(`${key}.pub exists already`);
    await expect(readFile(key)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
