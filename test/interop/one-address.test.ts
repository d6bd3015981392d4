import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { badGateway } from '../support/bad-days.ts';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { newPlace, pipInstall, uv } from './installers.ts';

// pip and uv are given one address over a private index and a public one. The public one has a newer namesake of everything
// private, and of a name that is owned and not published yet: none of it is ever installed.

const bins = { pip: (await environments.pipOfToday()) ?? '', uv: (await environments.uv()) ?? '' };

const PRIVATE = ['acme-lib', 'shared'];
const NAMESAKES = [...PRIVATE, 'acme-lost'];

let scratch: string;
let own: FakePypi;
let open: FakePypi;
let mirror: RunningVerbatim;
let file: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-one-address-'));
  [own, open] = await Promise.all([startFakePypi(), startFakePypi()]);
  for (const project of PRIVATE) own.upload(project, tinyWheel(project, '1.0'));
  // What a mirror looks at when it starts is the first that the list names.
  for (const project of ['mill', ...NAMESAKES]) open.upload(project, tinyWheel(project, '99.0'));
  file = join(scratch, 'verbatim.yaml');
  const index = (pypi: FakePypi) =>
    `{ upstream: "${pypi.url}simple/", evidence: index, file_hosts: ["${pypi.files.url.replace(/\/$/, '')}"] }`;
  await writeFile(
    file,
    `indexes:\n  private: ${index(own)}\n  public: ${index(open)}\n  main: { of: [private, public], owned: { private: ["acme-*"] } }\n`,
  );
});
afterAll(async () => {
  await Promise.all([own.close(), open.close()]);
  await rm(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  mirror = await startVerbatim(['--config', file]);
});
afterEach(async () => {
  own.heal();
  await mirror.close();
});

const installers = [
  {
    name: 'pip',
    bin: bins.pip,
    install: async (target: string, args: readonly string[]) => {
      const place = { ...(await newPlace(scratch)), target };
      await pipInstall(bins.pip, place, ['--retries', '0', ...args]);
    },
    one: () => ['--index-url', mirror.simple],
  },
  {
    name: 'uv',
    bin: bins.uv,
    install: async (target: string, args: readonly string[]) => {
      const all = ['pip', 'install', '--target', target, ...args];
      await uv(bins.uv, await newPlace(scratch), all, { UV_HTTP_RETRIES: '0' });
    },
    one: () => ['--default-index', mirror.simple],
  },
];

for (const { name, bin, install, one } of installers)
  describe.runIf(requirePart(name, bin || undefined))(`${name} at one address over two indexes`, () => {
    /** What was installed of a project; undefined where nothing was. */
    const installed = async (project: string, args = one()) => {
      const { target } = await newPlace(scratch);
      await install(target, [...args, project]).catch(() => undefined);
      return readFile(join(target, `${project.replaceAll('-', '_')}.py`), 'utf8').catch(() => undefined);
    };

    it('installs what is private from the private index, and the rest from the public one', async () => {
      for (const project of PRIVATE) expect(await installed(project), project).toContain("'1.0'");
      expect(await installed('mill')).toContain("'99.0'");
      expect(PRIVATE.flatMap((project) => open.asked(project))).toEqual([]);
    });

    it('installs nothing by a name that is owned and not there', async () => {
      expect(await installed('acme-lost')).toBeUndefined();
      expect(open.asked('acme-lost')).toEqual([]);
    });

    it('installs nothing while the private index is away, and the same as ever once it is back', async () => {
      for (const project of [...NAMESAKES, 'mill']) own.page(project, badGateway);
      for (const project of [...NAMESAKES, 'mill']) expect(await installed(project), project).toBeUndefined();
      expect(NAMESAKES.flatMap((project) => open.asked(project))).toEqual([]);
      own.heal();
      await mirror.close();
      mirror = await startVerbatim(['--config', file]);
      for (const project of PRIVATE) expect(await installed(project), project).toContain("'1.0'");
    });
  });

describe.runIf(requirePart('pip', bins.pip || undefined))('pip at two addresses', () => {
  it('installs the public namesake, which is what the one address is for', async () => {
    const { target, cache } = await newPlace(scratch);
    const args = [
      '--index-url',
      new URL('../private/simple/', mirror.simple).href,
      '--extra-index-url',
      new URL('../public/simple/', mirror.simple).href,
      'shared',
    ];
    await pipInstall(bins.pip, { target, cache }, args);
    expect(await readFile(join(target, 'shared.py'), 'utf8')).toContain("'99.0'");
  });
});

describe('verbatim explain at one address over two indexes', () => {
  it('names who answers', async () => {
    for (const project of ['shared/', 'mill/']) await (await fetch(new URL(project, mirror.simple))).arrayBuffer();
    const told = async (name: string) =>
      (await verbatim('explain', name, '--config', file, '--data', mirror.data)).stdout;
    expect(await told('shared')).toContain('At "main" it is "private" that answers.');
    expect(await told('mill')).toContain(
      'At "main" it is "public" that answers, once private has proved that it has none.',
    );
    const json = await verbatim('explain', 'mill', '--json', '--config', file, '--data', mirror.data);
    expect(JSON.parse(json.stdout)).toMatchObject({ address: 'main', index: 'public', project: 'mill' });
  });
});
