import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import { ask } from '../support/ask.ts';
import { client } from '../support/callers.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim } from '../support/verbatim.ts';

// A mirror that was told to ask no upstream.

const HELD = tinyWheel('alpha');
const MISSING = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');
const NOTE_SOCKETS = fileURLToPath(new URL('../support/note-sockets.mjs', import.meta.url));

const open: IndexRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function offlineAfter(prepare: (rig: IndexRig) => Promise<unknown>, options: IndexRigOptions = {}) {
  const fill: IndexRigOptions['fill'] = (pypi) => {
    pypi.upload('alpha', HELD);
    pypi.upload('alpha', MISSING);
    pypi.upload('beta', BETA);
  };
  const rig = await startIndexRig({ fill, ...options });
  open.push(rig);
  await prepare(rig);
  await rig.goOffline();
  return rig;
}

const heldOfTwo = async (rig: IndexRig) => {
  await rig.page('alpha');
  expect((await rig.get(rig.path(HELD))).status).toBe(200);
};

describe('pages of a mirror that asks no upstream', () => {
  it('list all that upstream lists, with a mark on files that are not held', async () => {
    const rig = await offlineAfter(heldOfTwo);
    const { files } = await rig.page('alpha');
    const marked = files.filter((file) => '_verbatim-held' in file && file['_verbatim-held'] === false);
    expect(files).toHaveLength(2);
    expect(marked.map(({ filename }) => filename)).toEqual([MISSING.filename]);
    const html = (await rig.get('/simple/alpha/', { headers: { accept: 'text/html' } })).body.toString();
    expect(html.match(/data-verbatim-held="false">[^<]*/g)).toEqual([`data-verbatim-held="false">${MISSING.filename}`]);
  });

  it('list nothing but what is held where the operator wants that, and say what they leave out', async () => {
    const rig = await offlineAfter(heldOfTwo, { offlinePages: 'held' });
    expect(await rig.names('alpha')).toEqual([HELD.filename]);
    expect((await rig.page('alpha')).versions).toEqual(['1.0']);
    expect((await rig.index().tally()).leftOut.get('offline')).toBe(1);
    expect(await rig.refused(rig.path(MISSING))).toBe('503 offline');
    expect((await rig.get(rig.path(HELD))).status).toBe(200);
  });

  it('change when a file goes', async () => {
    const rig = await offlineAfter(heldOfTwo, { offlinePages: 'held' });
    expect(await rig.names('alpha')).toEqual([HELD.filename]);
    await rig.forget(sha256Hex(HELD.bytes));
    expect(await rig.names('alpha')).toEqual([]);
  });

  it('carry no mark where upstream is asked', async () => {
    const rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', HELD) });
    open.push(rig);
    expect(JSON.stringify(await rig.page('alpha'))).not.toContain('_verbatim-held');
  });
});

describe('what an offline mirror does not hold', () => {
  it('is not said to be missing: a project it never had, a listed file, another file of a project it has', async () => {
    const rig = await offlineAfter(heldOfTwo);
    expect(await rig.refused('/simple/beta/')).toBe('503 offline');
    expect(await rig.refused(rig.path(MISSING))).toBe('503 offline');
    expect(await rig.refused(rig.path(BETA))).toBe('503 offline');
  });

  it('is missing where upstream said so last', async () => {
    const rig = await offlineAfter(async (online) => {
      await online.page('beta');
      online.pypi.removeProject('beta');
      await online.index().look('beta', client());
    });
    expect(await rig.refused('/simple/beta/')).toBe('404 unlisted');
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
  });
});

describe('the sockets of an offline mirror', () => {
  const socketsOf = async (flags: readonly string[], data: string): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'verbatim-sockets-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'sockets');
    const env = { NODE_OPTIONS: `--import=${NOTE_SOCKETS}`, VERBATIM_TEST_SOCKETS: file };
    const verbatim = await startVerbatim(flags, data, { env });
    try {
      const origin = new URL(verbatim.simple).origin;
      for (const path of ['/simple/alpha/', '/simple/beta/', '/simple/', '/pypi/alpha/json', '/tuf/metadata/root.json'])
        await ask(origin, path);
    } finally {
      await verbatim.close();
    }
    return existsSync(file) ? readFile(file, 'utf8') : '';
  };

  it('are none: nothing is opened and no name is looked up, whatever is asked; the same watch sees what an online one opens', async () => {
    const data = await mkdtemp(join(tmpdir(), 'verbatim-offline-'));
    const pypi = await startFakePypi();
    onTestFinished(async () => {
      await pypi.close();
      await rm(data, { recursive: true, force: true });
    });
    pypi.upload('alpha', HELD);
    const flags = ['--upstream', `${pypi.url}simple/`];
    expect(await socketsOf(flags, data)).toContain('TCPCONNECTWRAP');
    expect(await socketsOf([...flags, '--offline'], data)).toBe('');
  });
});
