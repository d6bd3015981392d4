import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { SigningKey } from '../../../src/bundle/format/keys.ts';
import { ask } from '../../support/ask.ts';
import { Sender, signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../../support/verbatim.ts';

// verbatim import, as a command beside a server or alone.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const DAY = 86_400;

let folder: string;
let config: string;
let key: SigningKey;
let sender: Sender;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-import-'));
  const made = folder;
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  key = await signingKey();
  sender = new Sender([key], Math.floor(Date.now() / 1000) - 5 * DAY);
  config = await written(
    'verbatim.yaml',
    `data: ${join(folder, 'data')}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key.public} }]\n`,
  );
});

async function written(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('verbatim import', () => {
  it('beside a server that runs: it serves the last state until then, and the new one from then on', async () => {
    sender.put('alpha', ALPHA);
    const first = await written('1.tar', (await sender.bundle()).whole);
    expect((await verbatim('import', first, '--config', config)).code).toBe(0);
    const server = await startVerbatim(['--config', config], join(folder, 'data'));
    try {
      const page = async () => String((await ask(new URL(server.simple).origin, '/simple/alpha/')).body);
      expect(await page()).not.toContain(ALPHA2.filename);
      sender.put('alpha', ALPHA, ALPHA2);
      const second = await written('2.tar', (await sender.bundle({ since: 1 })).whole);
      const { code, stdout, stderr } = await verbatim('import', second, '--config', config);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('imported: bundle 2 of main, signed by outside');
      expect(await page()).toContain(ALPHA2.filename);
      const explained = await verbatim('explain', ALPHA2.filename, '--config', config);
      expect(explained.stdout).toMatch(/as carried by outside on 20\d\d-/);
      const status = await verbatim('status', '--config', config);
      expect(status.stdout).toMatch(/bundle 2, as carried by outside/);
    } finally {
      await server.close();
    }
  });

  it('says what would change, for people and machines, and ends with 1 where it refuses', async () => {
    sender.put('alpha', ALPHA);
    const { whole } = await sender.bundle();
    const path = await written('1.tar', whole);
    const rehearsed = await verbatim('import', '--dry-run', '--json', path, '--config', config);
    expect(JSON.parse(rehearsed.stdout)).toMatchObject({ index: 'main', dryRun: true, number: 1, pages: 1, files: 1 });
    const cut = await written('cut.tar', whole.subarray(0, whole.length - 2048));
    const refused = await verbatim('import', cut, '--config', config);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('bytes where');
    expect((await verbatim('import', '--config', config)).stderr).toContain('Say which files');
    expect((await verbatim('import', join(folder, 'none.tar'), '--config', config)).stderr).toContain('cannot be read');
  });

  it('asks a scanner for each new file: what it finds is not served, nor is anything where it fails', async () => {
    sender.put('alpha', ALPHA, ALPHA2);
    const path = await written('1.tar', (await sender.bundle()).whole);
    const scanner = await written(
      'scan.mjs',
      `let bytes = 0; for await (const part of process.stdin) bytes += part.length;
       const [, , verdict] = process.argv;
       console.log('seen', bytes); process.exit(verdict === 'clean' ? 0 : verdict === 'found' ? 1 : 9);`,
    );
    const run = (verdict: string) =>
      verbatim('import', path, '--config', config, '--scan', JSON.stringify([process.execPath, scanner, verdict]));
    expect((await run('found')).stderr).toMatch(/The scanner found something in alpha/);
    expect((await run('broken')).stderr).toMatch(/The scanner failed/);
    const missing = await verbatim('import', path, '--config', config, '--scan', '["/no/such/scanner"]');
    expect(missing.stderr).toContain('cannot be run');
    const { code, stdout } = await run('clean');
    expect([code, stdout]).toEqual([0, expect.stringContaining('scanned: 2 new files')]);
  });

  it('watches a directory: bundles in any order, in pieces, some of them strange', async () => {
    const { mkdir } = await import('node:fs/promises');
    const { openImporter } = await import('../../../src/app/carry/import.ts');
    const { FolderWatch } = await import('../../../src/app/carry/watch.ts');
    const { loadConfig } = await import('../../../src/config/load.ts');
    const { noEvents } = await import('../../../src/app/no-events.ts');
    const inbox = join(folder, 'inbox');
    await mkdir(inbox);
    sender.put('alpha', ALPHA);
    const first = await sender.bundle();
    sender.put('alpha', ALPHA, ALPHA2);
    const second = await sender.bundle({ since: 1, pieceSize: 600 });
    const said: string[] = [];
    const importer = await openImporter({
      config: loadConfig({ file: config, env: {} }),
      emit: noEvents,
      index: undefined,
      dryRun: false,
      asOf: undefined,
      scan: undefined,
    });
    onTestFinished(() => importer.close());
    const watch = new FolderWatch(inbox, importer, {
      signal: new AbortController().signal,
      onImported: ({ imported }) => said.push(`imported ${imported.number}`),
      onWaiting: (why) => said.push(why.replace(/:.*/s, '')),
      onRefused: (why) => said.push(why.replace(/:.*/s, '')),
    });
    const looked = async () => {
      await watch.look();
      await watch.look();
      return said.splice(0);
    };
    await writeFile(join(inbox, 'note.txt'), 'for the courier');
    await writeFile(join(inbox, 'two.000'), second.head);
    for (const [at, piece] of second.pieces.entries()) if (at !== 1) await writeFile(join(inbox, `two.${at}x`), piece);
    expect(await looked()).toEqual(['bundle 2 waits [mix-and-match]']);
    expect(await looked()).toEqual([]);
    await writeFile(join(inbox, 'one.tar'), first.whole.subarray(0, first.head.length + 700));
    expect(await looked()).toEqual(['bundle 1 is refused [length]']);
    await writeFile(join(inbox, 'one.tar'), first.whole);
    expect(await looked()).toEqual(['imported 1', 'bundle 2 waits [truncated]']);
    await writeFile(join(inbox, 'late piece'), second.pieces[1] ?? '');
    expect(await looked()).toEqual(['imported 2']);
    await writeFile(join(inbox, 'again.tar'), first.whole);
    expect(await looked()).toEqual(['imported 1']);
  });
});

describe('a server that must not start', () => {
  it('ends, although nobody can say any more what imports need', async () => {
    const root = await written('root.json', 'no root');
    const wrong = await written(
      'wrong.yaml',
      `data: ${join(folder, 'data')}\nindexes:\n  main:\n    root: ${root}\n    import: {}\n`,
    );
    const { code, stderr } = await verbatim('serve', '--config', wrong);
    expect([code, stderr]).toEqual([1, expect.stringContaining('[format]')]);
  });
});
