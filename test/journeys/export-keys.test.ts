import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeScratch } from '../rigs/mirror.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim, verbatimTold } from '../support/verbatim.ts';

// Keys and their passphrases, as people get them wrong: what happened is said, nothing is made, and the same command works once it is right.

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

let folder: string;
let pypi: FakePypi;
beforeEach(async () => {
  folder = await makeScratch();
  pypi = await startFakePypi();
  pypi.upload('alpha', tinyWheel('alpha'));
  await mkdir(path('stick'));
  expect(await verbatim('sync', '--project', 'alpha', ...outside())).toMatchObject({ code: 0 });
});
afterEach(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const outside = () => [
  ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ...['--data', path('data')],
];
const exporting = (told: string, ...keys: readonly string[]) =>
  verbatimTold(told, 'export', path('stick'), ...keys.flatMap((key) => ['--key', path(key)]), ...outside());

async function encrypted(name: string, passphrase: string): Promise<void> {
  expect(await verbatimTold(`${passphrase}\n`, 'keygen', path(name), '--passphrase')).toMatchObject({ code: 0 });
}

/** Nothing lies on the stick, and no number was taken. */
async function nothingMade(): Promise<void> {
  expect(await readdir(path('stick'))).toEqual([]);
  expect(await readdir(join(path('data'), 'exports', 'main')).catch(() => [])).toEqual([]);
}

const NOTHING = 'Nothing was exported, and no number was taken.';

describe('an export', { timeout: 240_000 }, () => {
  it('with a wrong passphrase, or none, makes nothing, and with the right one it makes number 1', async () => {
    await encrypted('key', 'right');
    const wrong = await exporting('wrong\n', 'key');
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining(
        `${path('key')}: The passphrase is not the one of this key, or its file is damaged. ${NOTHING}`,
      ),
    ]);
    for (const none of ['', '\n']) {
      const { code, stderr } = await exporting(none, 'key');
      expect([code, stderr]).toEqual([
        1,
        `verbatim: ${path('key')}: This key needs its passphrase: type it at a terminal, or send it as a line by a pipe. ${NOTHING} [policy]\n`,
      ]);
    }
    await nothingMade();
    const right = await exporting('right\n', 'key');
    expect([right.code, right.stderr, right.stdout]).toEqual([0, '', expect.stringContaining('Made bundle 1 of main')]);
  });

  it('takes a line of a pipe for each key, in their order', async () => {
    await encrypted('old', 'first');
    await encrypted('new', 'second');
    const swapped = await exporting('second\nfirst\n', 'old', 'new');
    expect([swapped.code, swapped.stderr]).toEqual([
      1,
      expect.stringContaining(`${path('old')}: The passphrase is not`),
    ]);
    const short = await exporting('first\n', 'old', 'new');
    expect([short.code, short.stderr]).toEqual([1, expect.stringContaining(`${path('new')}: This key needs`)]);
    await nothingMade();
    expect(await exporting('first\nsecond\n', 'old', 'new')).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends where whoever sends the passphrase keeps the pipe open', async () => {
    await encrypted('key', 'right');
    const child = spawn(process.execPath, [MAIN, 'export', path('stick'), '--key', path('key'), ...outside()], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.write('right\n');
    expect(await once(child, 'close')).toEqual([0, null]);
  });

  it('names what is no key, is damaged, or is the wrong half of one', async () => {
    expect(await verbatim('keygen', path('key'))).toMatchObject({ code: 0 });
    const whole = await readFile(path('key'), 'utf8');
    await writeFile(path('cut'), whole.slice(0, whole.length / 2));
    await writeFile(path('changed'), whole.replace(/"private": "./, '"private": "g'));
    const other = `${whole.includes('"private": "0') ? 1 : 0}`;
    await writeFile(path('flipped'), whole.replace(/"private": "./, `"private": "${other}`));
    for (const [key, words] of [
      ['nowhere', 'cannot be read (ENOENT)'],
      [
        'key.pub',
        `This is the public half of a key, which signs nothing: name the file without .pub. ${NOTHING} [format]`,
      ],
      ['cut', `This is no key file of verbatim keygen, or it is damaged. ${NOTHING} [format]`],
      ['changed', `This is no key file of verbatim keygen, or it is damaged. ${NOTHING} [format]`],
      ['flipped', `This key file is damaged. ${NOTHING} [format]`],
    ] as const) {
      const { code, stderr } = await exporting('', key);
      expect([code, stderr]).toEqual([1, expect.stringContaining(path(key))]);
      expect(stderr).toContain(words);
    }
    for (const announced of ['key', 'cut']) {
      const words = ['--key', path('key'), '--announce-key', path(announced)];
      const { code, stderr } = await verbatim('export', path('stick'), ...words, ...outside());
      expect([code, stderr]).toEqual([1, expect.stringContaining(`${path(announced)}: This is no public Ed25519 key`)]);
    }
    await nothingMade();
  });

  it('says of a key without a passphrase that everybody can read it', async () => {
    expect(await verbatim('keygen', path('key'))).toMatchObject({ code: 0 });
    expect((await stat(path('key'))).mode & 0o777).toBe(0o600);
    await chmod(path('key'), 0o644);
    const { code, stderr } = await exporting('', 'key');
    expect([code, stderr]).toEqual([
      0,
      `Every user of this machine can read ${path('key')}, and sign with it: chmod 600 ${path('key')}\n`,
    ]);
    await encrypted('sealed', 'right');
    await chmod(path('sealed'), 0o644);
    expect(await exporting('right\n', 'sealed')).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('a key', { timeout: 240_000 }, () => {
  it('is made whole or not at all, and over nothing', async () => {
    for (const none of ['', '\n']) {
      const { code, stderr } = await verbatimTold(none, 'keygen', path('key'), '--passphrase');
      expect([code, stderr]).toEqual([1, expect.stringContaining('so no key was made: type one at a terminal')]);
    }
    const nowhere = await verbatim('keygen', join(path('nowhere'), 'key'));
    expect([nowhere.code, nowhere.stderr]).toEqual([
      1,
      expect.stringContaining(
        `Nothing was written to ${join(path('nowhere'), 'key')}: ${path('nowhere')} is not there: make it first`,
      ),
    ]);
    const below = await verbatim('keygen', join(path('data'), 'VERSION', 'key'));
    expect([below.code, below.stderr]).toEqual([
      1,
      expect.stringMatching(/Nothing was written to .*key: it cannot be written \(ENOTDIR\)\./),
    ]);
    await writeFile(path('key.pub'), 'mine');
    const taken = await verbatim('keygen', path('key'));
    expect([taken.code, taken.stderr]).toEqual([1, expect.stringContaining(`${path('key.pub')} exists already`)]);
    expect([await readFile(path('key.pub'), 'utf8'), (await readdir(folder)).sort()]).toEqual([
      'mine',
      ['data', 'key.pub', 'stick'],
    ]);
    const receipt = await verbatim('receipt', join(path('nowhere'), 'receipt'), ...outside());
    expect([receipt.code, receipt.stderr]).toEqual([1, expect.stringContaining(`${path('nowhere')} is not there`)]);
  });
});
