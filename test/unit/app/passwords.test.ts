import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandPassword, filePassword } from '../../../src/app/passwords.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verbatim-passwords-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

let times = 1;
const write = (text: string) => {
  const path = join(folder, 'password');
  writeFileSync(path, text);
  // Another time than the last, whatever the clock of the file system tells apart.
  utimesSync(path, ++times, times);
  return path;
};

describe('a password in a file', () => {
  it('is the one that is there now', async () => {
    const password = filePassword(write('one\n'));
    expect(await password.current()).toBe('one');
    write('two');
    expect(await password.current()).toBe('two');
  });

  it('that upstream refuses is read again, though the file does not look changed', async () => {
    const path = write('one');
    const password = filePassword(path);
    writeFileSync(path, 'two');
    utimesSync(path, times, times);
    expect(await password.instead('one')).toBe('two');
    expect(await password.instead('two')).toBeUndefined();
    expect(await password.instead('one')).toBe('two');
  });

  it('stays what it was while the file is empty or away', async () => {
    const path = write('one');
    const password = filePassword(path);
    write('');
    expect(await password.current()).toBe('one');
    rmSync(path);
    expect(await password.current()).toBe('one');
    expect(await password.instead('one')).toBeUndefined();
    write('two');
    expect(await password.current()).toBe('two');
  });

  it.each(['', ' \n'])('that is not there (%j) is told at once', (text) => {
    const path = write(text);
    expect(() => filePassword(path)).toThrow(`There is no password in ${path}.`);
    expect(() => filePassword(join(folder, 'none'))).toThrow('cannot be read');
  });
});

describe('a password that a command writes', () => {
  const SETTING = 'proxy.password_command';
  let now = 0;
  const node = (script: string, lifetime = 60) =>
    commandPassword({
      command: [process.execPath, '-e', script, join(folder, 'count')],
      lifetime,
      setting: SETTING,
      nowMs: () => now,
    });
  /** Writes how often it was run. */
  const COUNT =
    "const f=require('fs');const n=(f.existsSync(process.argv[1])?+f.readFileSync(process.argv[1],'utf8'):0)+1;f.writeFileSync(process.argv[1],String(n));console.log('token-'+n)";

  it('holds for its lifetime, and one run is for all who ask', async () => {
    const password = node(COUNT);
    expect(await Promise.all([password.current(), password.current()])).toEqual(['token-1', 'token-1']);
    now += 59_000;
    expect(await password.current()).toBe('token-1');
    now += 2000;
    expect(await password.current()).toBe('token-2');
  });

  it('is run again where upstream refuses what it wrote, but not at once again', async () => {
    const password = node(COUNT, 3600);
    await password.current();
    expect(await password.instead('token-1')).toBeUndefined();
    now += 11_000;
    expect(await Promise.all([password.instead('token-1'), password.instead('token-1')])).toEqual([
      'token-2',
      'token-2',
    ]);
    expect(await password.instead('token-1')).toBe('token-2');
    expect(await password.instead('token-2')).toBeUndefined();
  });

  it('is no shell’s to read: arguments arrive as they are', async () => {
    const password = commandPassword({
      command: [process.execPath, '-e', 'console.log(process.argv[1])', '$(id); `id` | x'],
      lifetime: 60,
      setting: SETTING,
    });
    expect(await password.current()).toBe('$(id); `id` | x');
  });

  it.each([
    ['console.error("hunter2");console.log("hunter2");process.exit(3)', 'ended with status 3'],
    ['', 'wrote nothing'],
    ['console.log("a\\nhunter2")', 'wrote more than one line'],
    ['console.log("hunter2".repeat(100000))', 'wrote too much'],
  ])('that fails is told by how it ended, and never by what it wrote: %s', async (script, what) => {
    const password = node(script);
    const error: unknown = await password.current().catch((refusal: unknown) => refusal);
    expect(error).toMatchObject({ reason: 'unreachable', transient: false });
    expect(String(error)).toContain(what);
    expect(JSON.stringify([error, String(error), (error as Error).cause])).not.toContain('hunter2');
    // The next who asks does not pay for it again at once.
    await expect(password.current()).rejects.toBe(error);
  });

  it('that is not there is told', async () => {
    const password = commandPassword({ command: [join(folder, 'none'), 'secret'], lifetime: 60, setting: SETTING });
    await expect(password.current()).rejects.toThrow(
      `The password command none cannot be run, so upstream is not asked (${SETTING}).`,
    );
  });
});
