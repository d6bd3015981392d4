import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readClientSettings } from '../../../../src/app/doctor/client-settings.ts';
import { judgeClients } from '../../../../src/app/doctor/clients.ts';
import { withoutLogin } from '../../../../src/app/doctor/finding.ts';
import { loadConfig } from '../../../../src/config/load.ts';

const MIRROR = 'https://packages.example/simple/';
const { server } = loadConfig({ env: { VERBATIM_PUBLIC_URL: 'https://packages.example/' } });

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'verbatim-clients-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), text);
}

const settings = (variables: Readonly<Record<string, string>> = {}) =>
  readClientSettings({
    // Neither this machine's settings nor anybody's.
    variables: new Map(Object.entries({ HOME: home, XDG_CONFIG_DIRS: join(home, 'none'), ...variables })),
    folder: join(home, 'work/project'),
  });
/** Of the folder of this test alone: what lies in /etc is the machine's. */
const read = (variables?: Readonly<Record<string, string>>) =>
  settings(variables).indexes.filter(({ where }) => where.startsWith(home) || /^[A-Z_]+$/.test(where));
const told = (variables?: Readonly<Record<string, string>>) =>
  judgeClients({ indexes: read(variables), unreadable: [] }, server).map(({ grade, what, message }) => [
    grade,
    what,
    message,
  ]);

describe('what installers are told to ask', () => {
  it('is read of pip’s files, further lines of a key too', () => {
    write(
      '.config/pip/pip.conf',
      `# a comment\n[global]\nindex-url = ${MIRROR}\nextra_index_url =\n    https://one.example/simple\n    https://two.example/simple\n; another\ntimeout = 9\n  https://no.example/\n[install]\nfind-links: /srv/wheels\n`,
    );
    write('env/pip.conf', '[global]\nextra-index-url=https://three.example/simple\n');
    expect(read({ VIRTUAL_ENV: join(home, 'env') }).map(({ role, url }) => [role, url])).toEqual([
      ['first', MIRROR],
      ['other', 'https://one.example/simple'],
      ['other', 'https://two.example/simple'],
      ['links', '/srv/wheels'],
      ['other', 'https://three.example/simple'],
    ]);
  });

  it('is read of no file where pip is told to read none', () => {
    write('.config/pip/pip.conf', '[global]\nextra-index-url = https://one.example/simple\n');
    expect(read({ PIP_CONFIG_FILE: '/dev/null' })).toEqual([]);
  });

  it('is read of variables, several in one, and uv’s with names', () => {
    expect(
      read({
        PIP_EXTRA_INDEX_URL: 'https://one.example/simple  https://two.example/simple',
        UV_INDEX: 'own=https://three.example/simple',
        UV_DEFAULT_INDEX: MIRROR,
      }).map(({ tool, role, url }) => [tool, role, url]),
    ).toEqual([
      ['pip', 'other', 'https://one.example/simple'],
      ['pip', 'other', 'https://two.example/simple'],
      ['uv', 'first', MIRROR],
      ['uv', 'other', 'https://three.example/simple'],
    ]);
  });

  it('is read of uv’s files and of the nearest project’s, but not what has to be asked for by name', () => {
    write(
      '.config/uv/uv.toml',
      '[[index]]\nurl = "https://one.example/simple"\n[pip]\nextra-index-url = ["https://two.example/simple"]\n',
    );
    write(
      'work/uv.toml',
      `[[index]]\nurl = "${MIRROR}"\ndefault = true\n[[index]]\nurl = "https://named.example/simple"\nexplicit = true\n`,
    );
    write(
      'work/pyproject.toml',
      '[[tool.poetry.source]]\nname = "a"\nurl = "https://three.example/simple"\n[[tool.poetry.source]]\nname = "b"\nurl = "https://four.example/simple"\n[[tool.pdm.source]]\nname = "c"\nurl = "https://five.example/simple"\n',
    );
    expect(read().map(({ tool, role, url }) => [tool, role, new URL(url).host])).toEqual([
      ['uv', 'other', 'one.example'],
      ['uv', 'other', 'two.example'],
      ['uv', 'first', 'packages.example'],
      ['Poetry', 'first', 'three.example'],
      ['Poetry', 'other', 'four.example'],
      ['PDM', 'first', 'five.example'],
    ]);
  });

  it('names a file that is there and cannot be read, and goes on', () => {
    write('work/pyproject.toml', '[tool.uv\n');
    write('.config/pip/pip.conf', `[global]\nindex-url = ${MIRROR}\n`);
    const { indexes, unreadable } = settings();
    expect(unreadable).toEqual([expect.stringContaining('pyproject.toml')]);
    expect(indexes.some(({ url }) => url === MIRROR)).toBe(true);
  });
});

describe('what is to be said of it', () => {
  it('is all well where this mirror is asked alone', () => {
    expect(told({ PIP_INDEX_URL: MIRROR })).toEqual([['good', 'index', 'pip asks this mirror and nobody else.']]);
  });

  it('is a warning for each index beside it, with who could come between, and without a password', () => {
    const found = told({
      PIP_INDEX_URL: MIRROR,
      PIP_EXTRA_INDEX_URL: 'https://me:hunter2@other.example/simple',
      PIP_FIND_LINKS: '/srv',
    });
    expect(found.map(([grade, what]) => [grade, what])).toEqual([
      ['warning', 'second-index'],
      ['warning', 'second-index'],
    ]);
    expect(found[0]?.[2]).toContain('https://other.example/simple (PIP_EXTRA_INDEX_URL)');
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('is a warning where this mirror is only asked second, with what comes first', () => {
    expect(told({ PIP_INDEX_URL: 'https://other.example/simple', PIP_EXTRA_INDEX_URL: MIRROR })).toEqual([
      ['note', 'index', expect.stringContaining('other.example')],
    ]);
    expect(told({ UV_INDEX: MIRROR }).map(([grade, what]) => [grade, what])).toEqual([
      ['good', 'index'],
      ['warning', 'second-index'],
    ]);
  });

  it('is that PyPI is asked where nothing names an index', () => {
    expect(told()).toEqual([['note', 'index', expect.stringContaining('PyPI itself')]]);
  });

  it('knows this mirror by its port on this machine, and no other port', () => {
    expect(told({ PIP_INDEX_URL: 'http://127.0.0.1:3141/simple/' })[0]?.[0]).toBe('good');
    expect(told({ PIP_INDEX_URL: 'http://127.0.0.1:3142/simple/' })[0]?.[0]).toBe('note');
  });
});

it('an address is told without its login, whether it is one or not', () => {
  expect(withoutLogin('https://me:hunter2@x.example/a')).toBe('https://x.example/a');
  expect(withoutLogin('not a url //me:hunter2@x')).toBe('not a url //x');
});
