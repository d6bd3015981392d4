import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { newPlace, uv } from './installers.ts';
import { newProject, pdm, poetry } from './lockers.ts';

// Clients that are given two addresses, a private index and a public one, and settings of their own that say which project is whose. The
// public one has a newer namesake of everything: of what is named in the settings, of what is not published yet, and of what only a
// private project needs, which the settings do not name.

const bins = {
  uv: (await environments.uv()) ?? '',
  poetry: (await environments.poetry()) ?? '',
  pdm: (await environments.pdm()) ?? '',
};
const NAMESAKES = ['acme-lib', 'acme-needs', 'acme-lost', 'inner'];
const WELL = 'private-well';
const AWAY = ['error', 'lost'] as const;

let scratch: string;
let open: FakePypi;
let own: FakePypi;
const away: Awaited<ReturnType<typeof startUpstream>>[] = [];
let mirror: RunningVerbatim;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-two-addresses-'));
  [open, own] = await Promise.all([startFakePypi(), startFakePypi()]);
  for (const project of ['mill', ...NAMESAKES]) open.upload(project, tinyWheel(project, '99.0'));
  own.upload('acme-lib', tinyWheel('acme-lib', '1.0'));
  own.upload('acme-needs', tinyWheel('acme-needs', '1.0', '', ['inner']));
  own.upload('inner', tinyWheel('inner', '1.0'));
  for (const how of AWAY) {
    const upstream = await startUpstream({});
    away.push(upstream);
    upstream.fault('*', { kind: 'status', status: how === 'lost' ? 404 : 500 });
  }
  const index = (url: string, files: string) =>
    `{ upstream: "${url}simple/", evidence: index, file_hosts: ["${files.replace(/\/$/, '')}"], look_ahead: { enabled: false } }`;
  const lines = [`  public: ${index(open.url, open.files.url)}`, `  ${WELL}: ${index(own.url, own.files.url)}`];
  for (const [at, how] of AWAY.entries()) lines.push(`  private-${how}: ${index(away[at]?.url ?? '', own.files.url)}`);
  const file = join(scratch, 'verbatim.yaml');
  await writeFile(file, `indexes:\n${lines.join('\n')}\n`);
  mirror = await startVerbatim(['--config', file]);
}, 120_000);
afterAll(async () => {
  await mirror?.close();
  await Promise.all([open?.close(), own?.close(), ...away.map((upstream) => upstream.close())]);
  await rm(scratch, { recursive: true, force: true });
});

const address = (index: string) => new URL(`/${index}/simple/`, mirror.simple).href;

/** What the private index has not published, what only a private project needs, and a private index that answers 500, or 404 to everything. */
type Trap = 'unpublished' | 'needed' | 'error' | 'lost';

interface Form {
  readonly name: string;
  readonly bin: string;
  /** Ends pyproject.toml: the settings for these two addresses, where `named` are the private one's. */
  readonly settings: (own: string, named: readonly string[]) => string;
  readonly lock: readonly [file: string, run: (project: string) => Promise<unknown>];
  /** What makes its lock have the public namesake. */
  readonly fooledBy: readonly Trap[];
}

const uvLock: Form['lock'] = [
  'uv.lock',
  async (project) => {
    const place = await newPlace(scratch);
    // What a project itself says is wanted, and nothing of this machine.
    const home = { UV_NO_CONFIG: '0', HOME: place.cache, XDG_CONFIG_HOME: place.cache, UV_HTTP_RETRIES: '0' };
    return uv(bins.uv, place, ['lock', '--project', project], home);
  },
];
const poetryLock: Form['lock'] = ['poetry.lock', (project) => poetry(bins.poetry, project, ['lock'])];
const pdmLock: Form['lock'] = ['pdm.lock', (project) => pdm(bins.pdm, project, ['lock'])];
const uvIndex = (name: string, more: string) =>
  `[[tool.uv.index]]\nname = "${name}"\nurl = "${address(name)}"\n${more}`;
const poetrySource = (name: string, url: string, priority: string) =>
  `[[tool.poetry.source]]\nname = "${name}"\nurl = "${url}"\npriority = "${priority}"`;
const pdmSource = (name: string, url: string, more = '') =>
  `[[tool.pdm.source]]\nname = "${name}"\nurl = "${url}"\n${more}`;

const FORMS: readonly Form[] = [
  {
    name: 'uv with an explicit index',
    bin: bins.uv,
    settings: (from, named) =>
      [
        uvIndex(from, 'explicit = true'),
        uvIndex('public', 'default = true'),
        '[tool.uv.sources]',
        ...named.map((name) => `${name} = { index = "${from}" }`),
      ].join('\n'),
    lock: uvLock,
    fooledBy: ['needed'],
  },
  {
    name: 'uv with the private index first',
    bin: bins.uv,
    settings: (from) => [uvIndex(from, ''), uvIndex('public', 'default = true')].join('\n'),
    lock: uvLock,
    fooledBy: ['unpublished', 'lost'],
  },
  {
    name: 'Poetry with an explicit source',
    bin: bins.poetry,
    settings: (from, named) =>
      [
        '[tool.poetry]\npackage-mode = false',
        '[tool.poetry.dependencies]',
        ...named.map((name) => `${name} = { source = "private" }`),
        poetrySource('private', address(from), 'explicit'),
        poetrySource('public', address('public'), 'primary'),
      ].join('\n'),
    lock: poetryLock,
    fooledBy: ['needed'],
  },
  {
    name: 'Poetry with the public source as a supplement',
    bin: bins.poetry,
    settings: (from) =>
      [
        '[tool.poetry]\npackage-mode = false',
        poetrySource('private', address(from), 'primary'),
        poetrySource('public', address('public'), 'supplemental'),
      ].join('\n'),
    lock: poetryLock,
    fooledBy: ['unpublished', 'lost'],
  },
  {
    name: 'PDM with packages that a source has alone',
    bin: bins.pdm,
    settings: (from) =>
      [
        '[tool.pdm]\ndistribution = false',
        pdmSource('private', address(from), 'include_packages = ["acme-*"]\nexclude_packages = ["*"]'),
        pdmSource('pypi', address('public'), 'exclude_packages = ["acme-*"]'),
      ].join('\n'),
    lock: pdmLock,
    fooledBy: ['needed'],
  },
  {
    name: 'PDM with the order of sources respected',
    bin: bins.pdm,
    settings: (from) =>
      [
        '[tool.pdm]\ndistribution = false',
        '[tool.pdm.resolution]\nrespect-source-order = true',
        pdmSource('private', address(from)),
        pdmSource('pypi', address('public')),
      ].join('\n'),
    lock: pdmLock,
    fooledBy: ['unpublished', 'error', 'lost'],
  },
];

/** What a lock has of these projects and of what they need; nothing where there is none. */
async function locked({ settings, lock }: Form, from: string, needs: readonly string[]): Promise<readonly string[]> {
  const named = needs.filter((name) => name.startsWith('acme-'));
  const project = await newProject(scratch, needs, settings(from, named));
  const [file, run] = lock;
  await run(project).catch(() => undefined);
  const text = await readFile(join(project, file), 'utf8').catch(() => '');
  return [...text.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"/g)]
    .map(([, name = '', version = '']) => `${name} ${version}`)
    .filter((each) => !each.startsWith('reader '));
}

for (const form of FORMS)
  describe.runIf(requirePart(form.name, form.bin || undefined))(form.name, { timeout: 240_000 }, () => {
    const is = (trap: Trap) =>
      form.fooledBy.includes(trap) ? 'takes the public namesake' : 'takes no public namesake';
    const fooled = (trap: Trap) => form.fooledBy.includes(trap);

    it('takes what is named from the private index, and the rest from the public one', async () => {
      expect(await locked(form, WELL, ['acme-lib', 'mill'])).toEqual(['acme-lib 1.0', 'mill 99.0']);
    });

    it(`${is('unpublished')} of what the private index has not published`, async () => {
      expect(await locked(form, WELL, ['acme-lost'])).toEqual(fooled('unpublished') ? ['acme-lost 99.0'] : []);
    });

    it(`${is('needed')} of what only a private project needs`, async () => {
      const inner = fooled('needed') ? 'inner 99.0' : 'inner 1.0';
      expect(await locked(form, WELL, ['acme-needs'])).toEqual(['acme-needs 1.0', inner]);
    });

    it(`${is('error')} while the private index answers 500`, async () => {
      expect(await locked(form, 'private-error', ['acme-lib'])).toEqual(fooled('error') ? ['acme-lib 99.0'] : []);
    });

    it(`${is('lost')} while the private index says 404 to everything`, async () => {
      expect(await locked(form, 'private-lost', ['acme-lib'])).toEqual(fooled('lost') ? ['acme-lib 99.0'] : []);
    });
  });
