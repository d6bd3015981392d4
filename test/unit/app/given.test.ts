import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openGiven } from '../../../src/app/carry/given-files.ts';
import { createScanner } from '../../../src/app/carry/scanner.ts';
import { rowsIn } from '../../../src/app/carry/tables.ts';
import { readRequest } from '../../../src/app/control/protocol.ts';
import { readRoot } from '../../../src/app/pinned-root.ts';
import { wantedOf } from '../../../src/app/syncing/wanted.ts';
import { prove } from '../../../src/bytes/proven.ts';
import { expectedOf, openStore, scratch } from '../../support/volume-harness.ts';

// What an operator gives, and what is not taken for it.

const refused = (reason: string, words = '') =>
  expect.objectContaining({ reason, message: expect.stringContaining(words) });

describe('a file that is given', () => {
  it('is a file', async () => {
    const directory = await scratch();
    await expect(openGiven([directory])).rejects.toEqual(refused('format', 'it is no regular file'));
    await expect(openGiven([join(directory, 'gone')])).rejects.toEqual(refused('format', 'cannot be read'));
  });

  it('as a root holds something', async () => {
    const path = join(await scratch(), 'root.json');
    await writeFile(path, '');
    expect(() => readRoot(path)).toThrow(refused('format', 'is empty'));
  });

  it('as a list reads others beside it, and none elsewhere', async () => {
    const directory = await scratch();
    await mkdir(join(directory, 'own'));
    await writeFile(join(directory, 'own', 'more.txt'), 'beta\n');
    await writeFile(join(directory, 'others.txt'), 'gamma\n');
    await symlink(join(directory, 'others.txt'), join(directory, 'own', 'link.txt'));
    const list = async (text: string) => {
      const path = join(directory, 'own', 'list.txt');
      await writeFile(path, text);
      return wantedOf({ ...NOTHING, requirements: [path] }, new Map());
    };
    expect((await list('alpha\n-r more.txt\n')).asked.map(({ project }) => project)).toEqual(['alpha', 'beta']);
    await expect(list('-r link.txt\n')).rejects.toEqual(refused('format', 'leads out of'));
  });
});

const NOTHING = {
  ...{ index: 'main', projects: [], requirements: [], locks: [], sboms: [], listed: false, held: false },
  ...{ environments: [], excludePlatforms: [], blocklist: [], parallel: 1, largerThanRoom: false },
};

it('an environment that nobody configured is said outright, with its platform', async () => {
  const wanted = (environment: string) => wantedOf({ ...NOTHING, environments: [environment] }, new Map());
  expect((await wanted('3.12/linux')).environments).toHaveLength(1);
  await expect(wanted('3.12')).rejects.toEqual(refused('format', 'No environment "3.12" is configured'));
});

it('a line that names no version of the protocol asks for nothing', () => {
  expect(readRequest('{"verbatim":1,"do":"status","with":{}}').name).toBe('status');
  expect(() => readRequest('{"do":"status","with":{}}')).toThrow(refused('format', 'does not speak the protocol'));
  expect(() => readRequest('{"verbatim":2,"do":"status","with":{}}')).toThrow(refused('format', 'speaks version 2'));
});

it('a table of what was imported that is gone is no empty one', async () => {
  const rows = rowsIn({ content: async () => undefined }, { sha256: 'a'.repeat(64), size: 1 });
  await expect(rows.next()).rejects.toEqual(refused('state', 'Import the last bundle again'));
});

describe('a scanner', () => {
  const program = (text: string) => [process.execPath, '-e', text];
  async function scanned(command: readonly string[]) {
    const { blobs } = await openStore();
    const bytes = Buffer.from('bytes');
    const expected = expectedOf(bytes);
    await blobs.writeDocument(prove(bytes, expected));
    const blob = (await blobs.open(expected)) ?? expect.fail('it is not stored');
    await createScanner({ command, timeout: 60, version: undefined }).scan('alpha', blob);
  }

  it('lets through what it finds nothing in, and nothing else', async () => {
    await scanned(program('process.exit(0)'));
    await expect(scanned(program('console.log("a worm");process.exit(1)'))).rejects.toEqual(
      refused('policy', 'found something in alpha: a worm'),
    );
    await expect(scanned(program('process.exit(2)'))).rejects.toEqual(refused('state', 'ended with status 2'));
    await expect(scanned(['/no/such/scanner'])).rejects.toEqual(refused('state', 'cannot be run'));
    await expect(scanned(program('process.kill(process.pid, "SIGKILL")'))).rejects.toEqual(refused('state'));
  });

  it('says its version, or is not used', async () => {
    const version = (text: string) => createScanner({ command: ['x'], timeout: 60, version: program(text) }).version();
    expect(await version('console.log("7.1\\nmore")')).toBe('7.1');
    await expect(version('console.log("7.1");process.exit(1)')).rejects.toEqual(
      refused('state', 'does not say its version'),
    );
  });
});
