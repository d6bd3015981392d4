import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXPIRED, TEST_KEY } from '../support/certificates.ts';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { newPlace, pipInstall, uv } from './installers.ts';
import { newProject, pdm, poetry } from './lockers.ts';

// Four installers at one address over a private index and a public one, of a server of two processes, while the private one is away in
// every way that it can be. The public one has a newer namesake of what is private, owned and not owned: none of it is ever asked for.

const bins = {
  pip: await environments.pipOfToday(),
  uv: await environments.uv(),
  poetry: await environments.poetry(),
  pdm: await environments.pdm(),
};
const NAMES = ['acme-lib', 'shared'];
/** How a private index can be away. */
const AWAY = ['refused', 'error', 'silent', 'tls', 'lost'] as const;
const WAYS = [
  ['refuses connections', 'refused'],
  ['says nothing', 'silent'],
  ['says 404 to everything', 'lost'],
  ['answers 500', 'error'],
  ['shows a certificate that has expired', 'tls'],
] as const;

let scratch: string;
let open: FakePypi;
let well: FakePypi;
const away: Awaited<ReturnType<typeof startUpstream>>[] = [];
let mirror: RunningVerbatim;

async function upstreamThat(how: (typeof AWAY)[number]): Promise<string> {
  if (how === 'refused') return `http://127.0.0.1:${await freePort()}/`;
  const upstream = await startUpstream(how === 'tls' ? { tls: { key: TEST_KEY, cert: EXPIRED } } : {});
  away.push(upstream);
  if (how === 'error') upstream.fault('*', { kind: 'status', status: 500 });
  if (how === 'silent') upstream.fault('*', { kind: 'stall', at: 'headers' });
  if (how === 'lost') upstream.fault('*', { kind: 'status', status: 404 });
  return upstream.url;
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-outage-'));
  [open, well] = await Promise.all([startFakePypi(), startFakePypi()]);
  // What a mirror looks at when it starts is the first that the list names.
  for (const pypi of [open, well]) pypi.upload('mill', tinyWheel('mill', '1.0'));
  for (const project of NAMES) {
    open.upload(project, tinyWheel(project, '99.0'));
    well.upload(project, tinyWheel(project, '1.0'));
  }
  const limits = 'timeouts: { connect: 2, first_byte: 2, page: 4 }, look_ahead: { enabled: false }';
  const index = (url: string, files: string) =>
    `{ upstream: "${url}simple/", evidence: index, file_hosts: ["${files.replace(/\/$/, '')}"], ${limits} }`;
  const over = (name: string) => `{ of: [private-${name}, public], owned: { private-${name}: ["acme-*"] } }`;
  const lines = [`  public: ${index(open.url, open.files.url)}`, `  private-well: ${index(well.url, well.files.url)}`];
  for (const how of AWAY) lines.push(`  private-${how}: ${index(await upstreamThat(how), open.files.url)}`);
  for (const how of ['well', ...AWAY]) lines.push(`  ${how}: ${over(how)}`);
  const file = join(scratch, 'verbatim.yaml');
  await writeFile(file, `indexes:\n${lines.join('\n')}\n`);
  mirror = await startVerbatim(['--config', file, '--workers', '2']);
}, 240_000);
afterAll(async () => {
  await mirror?.close();
  await Promise.all([open?.close(), well?.close(), ...away.map((upstream) => upstream.close())]);
  await rm(scratch, { recursive: true, force: true });
});

const addressOf = (how: string) => new URL(`/${how}/simple/`, mirror.simple).href;
const failed = (work: Promise<unknown>) =>
  work.then(
    () => false,
    () => true,
  );

interface Client {
  readonly name: string;
  readonly bin: string | undefined;
  /** How many of the ways are tried: those that lock take long, and ask for pages as the others do. */
  readonly ways: number;
  /** The versions that it came to. */
  readonly versions: (simple: string) => Promise<readonly string[]>;
}

async function installedIn(target: string): Promise<readonly string[]> {
  const all = await readdir(target).catch(() => []);
  return all.flatMap((name) => /^(?:acme_lib|shared)-(.*)\.dist-info$/.exec(name)?.[1] ?? []);
}

async function lockedIn(project: string, lock: string): Promise<readonly string[]> {
  const text = await readFile(join(project, lock), 'utf8').catch(() => '');
  return [...text.matchAll(/name = "(?:acme-lib|shared)"\nversion = "([^"]*)"/g)].map(([, version = '']) => version);
}

const clients: readonly Client[] = [
  {
    name: 'pip',
    bin: bins.pip,
    ways: WAYS.length,
    async versions(simple) {
      const { target, cache } = await newPlace(scratch);
      for (const name of NAMES)
        await failed(pipInstall(bins.pip ?? '', { target, cache }, ['--retries', '0', '--index-url', simple, name]));
      return installedIn(target);
    },
  },
  {
    name: 'uv',
    bin: bins.uv,
    ways: WAYS.length,
    async versions(simple) {
      const { target, cache } = await newPlace(scratch);
      const args = ['pip', 'install', '--target', target, '--default-index', simple];
      for (const name of NAMES)
        await failed(uv(bins.uv ?? '', { target, cache }, [...args, name], { UV_HTTP_RETRIES: '0' }));
      return installedIn(target);
    },
  },
  {
    name: 'Poetry',
    bin: bins.poetry,
    ways: 3,
    async versions(simple) {
      const source = `[tool.poetry]\npackage-mode = false\n[[tool.poetry.source]]\nname = "mirror"\nurl = "${simple}"`;
      const project = await newProject(scratch, NAMES, source);
      await failed(poetry(bins.poetry ?? '', project, ['lock']));
      return lockedIn(project, 'poetry.lock');
    },
  },
  {
    name: 'PDM',
    bin: bins.pdm,
    ways: 3,
    async versions(simple) {
      const source = `[tool.pdm]\ndistribution = false\n[[tool.pdm.source]]\nname = "pypi"\nurl = "${simple}"`;
      const project = await newProject(scratch, NAMES, source);
      await failed(pdm(bins.pdm ?? '', project, ['lock']));
      return lockedIn(project, 'pdm.lock');
    },
  },
];

for (const { name, bin, ways, versions } of clients)
  describe.runIf(requirePart(name, bin))(`${name} at one address whose private index`, { timeout: 240_000 }, () => {
    it('is well has what is private from there', async () => {
      expect(await versions(addressOf('well'))).toEqual(['1.0', '1.0']);
    });

    it.each(WAYS.slice(0, ways))('%s has nothing, and the public namesake is not asked for', async (_, how) => {
      expect(await versions(addressOf(how))).toEqual([]);
      expect(NAMES.flatMap((project) => open.asked(project))).toEqual([]);
    });
  });
