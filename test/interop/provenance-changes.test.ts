import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { makeScratch } from '../rigs/mirror.ts';
import * as environments from '../support/environments.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { nextSecond } from '../support/next-second.ts';
import { requirePart } from '../support/python.ts';
import {
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  OTHER_CLAIMS,
  OTHER_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../support/sigstore.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';
import { newPlace, pipInstall } from './installers.ts';

// A release that was verified, and whose provenance then vanishes, is another one's or does not come: what pages, addresses, people's pages, commands, the log,
// metrics and pip say of it in each mode.

const pip = await environments.pipOfToday();
const MODES = { report: 'report', present: 'require-when-present', require: 'require' } as const;
const INDEXES = Object.keys(MODES) as (keyof typeof MODES)[];
const PROJECTS = ['vanish', 'change', 'slow'] as const;
type Name = (typeof PROJECTS)[number];
const PATIENCE = { timeout: 120_000, interval: 250 };

let folder: string;
let sigstore: TestSigstore;
let pypi: FakePypi;
let server: RunningVerbatim;
const config = () => join(folder, 'verbatim.yaml');
const wheel = (project: Name, version: string) => tinyWheel(project, version);
const documentOf = (project: Name, version: string) =>
  `integrity/${project}/${version}/${wheel(project, version).filename}/provenance`;

/** Signed by whoever this project is expected from, or by somebody else. */
async function signed(project: Name, version: string, by: 'mill' | 'other' = 'mill'): Promise<void> {
  const { filename, bytes } = wheel(project, version);
  const claims = by === 'mill' ? GITHUB_CLAIMS : OTHER_CLAIMS;
  const attestation = await sigstore.attest({ filename, sha256: sha256Hex(bytes) }, { claims });
  pypi.provenance.set(filename, provenanceOf(by === 'mill' ? GITHUB_PUBLISHER : OTHER_PUBLISHER, attestation));
}

async function publish(project: Name, version: string): Promise<void> {
  await signed(project, version);
  pypi.upload(project, wheel(project, version), { provenance: `${pypi.url}${documentOf(project, version)}` });
}

/** The trusted root in another spelling: what was judged by the one before is looked at again. */
const writeRoot = (indent: number) =>
  writeFile(join(folder, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot, undefined, indent));

async function start(): Promise<void> {
  server = await startVerbatim(['--config', config(), '--admin-port', '0'], join(folder, 'data'));
}

async function names(index: string, project: Name): Promise<readonly string[]> {
  const page = await fetch(new URL(`/${index}/simple/${project}/`, server.simple), {
    headers: { accept: 'application/vnd.pypi.simple.v1+json' },
  });
  const { files } = (await page.json()) as { files: { filename: string }[] };
  return files.map(({ filename }) => filename).sort();
}

async function file(index: string, project: Name, version: string) {
  const answer = await fetch(new URL(`/${index}${pypi.storedAt(wheel(project, version))}`, server.simple));
  return { status: answer.status, text: await answer.text() };
}

async function counted(index: string, result: string): Promise<number> {
  const text = await (await fetch(server.metrics ?? '')).text();
  const line = new RegExp(`^verbatim_provenance_total\\{index="${index}",result="${result}"\\} (\\d+)$`, 'm').exec(
    text,
  );
  return Number(line?.[1] ?? 0);
}

async function why(index: string, project: Name): Promise<string> {
  const at = new URL(`/${index}/why/${wheel(project, '2.0').filename}`, server.simple);
  return (await fetch(at, { headers: { accept: 'application/json' } })).text();
}

const explained = async (index: string, project: Name) =>
  (await verbatim('explain', wheel(project, '2.0').filename, '--index', index, '--config', config())).stdout;

/** What pip installs, and all that it says. */
async function installed(index: string, project: Name): Promise<string> {
  if (pip === undefined) return '';
  const args = ['--index-url', new URL(`/${index}/simple/`, server.simple).href, '--no-deps', project];
  return pipInstall(pip, await newPlace(folder), args);
}

beforeAll(async () => {
  folder = await makeScratch();
  sigstore = await startSigstore();
  pypi = await startFakePypi({ maxAge: 0 });
  await writeRoot(0);
  const of = (mode: string) => ({
    evidence: 'index',
    upstream: `${pypi.url}simple/`,
    file_hosts: [`127.0.0.1:${pypi.files.port}`],
    max_age: 0,
    look_ahead: { enabled: false },
    provenance: { mode, trusted_root: join(folder, 'trusted_root.json') },
  });
  const indexes = Object.fromEntries(Object.entries(MODES).map(([name, mode]) => [name, of(mode)]));
  await writeFile(config(), JSON.stringify({ data: join(folder, 'data'), indexes }));
  for (const project of PROJECTS) await publish(project, '1.0');
  await start();
}, 240_000);

afterAll(async () => {
  await server.close();
  await pypi.close();
  await rm(folder, { recursive: true });
});

const BOTH = (project: Name) => [wheel(project, '1.0').filename, wheel(project, '2.0').filename];
const OLDER = (project: Name) => [wheel(project, '1.0').filename];

describe('a release that was verified', { timeout: 240_000 }, () => {
  it('is listed and served in every mode', async () => {
    const verified = (count: number) =>
      expect
        .poll(() => Promise.all(INDEXES.map((index) => counted(index, 'verified'))), PATIENCE)
        .toEqual([count, count, count]);
    for (const version of ['1.0', '2.0']) {
      if (version === '2.0') {
        await nextSecond();
        for (const project of PROJECTS) await publish(project, version);
      }
      for (const index of INDEXES)
        for (const project of PROJECTS) {
          await expect.poll(() => names(index, project), PATIENCE).toContain(wheel(project, version).filename);
          expect((await file(index, project, version)).status).toBe(200);
        }
      await verified(version === '1.0' ? 3 : 6);
    }
    await server.close();
    pypi.drop('vanish', wheel('vanish', '2.0').filename, 'provenance');
    await signed('change', '2.0', 'other');
    pypi.index.fault(`/${documentOf('slow', '2.0')}`, { kind: 'status', status: 504 });
    await writeRoot(1);
    await start();
  });

  const LOST = 'does not say who published it, and releases before it did (GitHub octo/mill';
  const SILENT = 'does not say who published it (PEP 740), and this mirror serves no file that does not';
  const CHANGED = 'was published by GitHub evil/mill release.yml, and the files before it by GitHub octo/mill';

  it.each([
    ['vanish', 'lost provenance', LOST, SILENT, 'It does not say who published it.'],
    ['change', 'changed provenance', CHANGED, CHANGED, 'Published by GitHub evil/mill release.yml; that is verified'],
  ] as const)(
    'and is then to %s is told and served, or held back by page and address, as the mode says',
    async (project, rule, present, required, says) => {
      for (const index of INDEXES) {
        const isHeld = index !== 'report';
        // Where every file must be verified, what says nothing is held back for that.
        const words = index === 'require' ? required : present;
        const answer = async () => {
          await names(index, project);
          return file(index, project, '2.0');
        };
        // It is found out behind the answer.
        const said = async () => {
          const { text } = await answer();
          return isHeld ? text : explained(index, project);
        };
        await expect.poll(said, PATIENCE).toContain(isHeld ? words : says);
        const { status, text } = await answer();
        expect([index, status]).toEqual([index, isHeld ? 403 : 200]);
        if (isHeld) expect(text).toContain(words);
        await expect.poll(() => names(index, project), PATIENCE).toEqual(isHeld ? OLDER(project) : BOTH(project));
        const page = await why(index, project);
        if (isHeld) expect(page).toContain(words);
        else expect(page).toContain(says);
        const lines = server
          .log()
          .split('\n')
          .filter((line) => line.includes(`"index":"${index}"`));
        const about = lines.filter((line) => line.includes('"event":"policy"') && line.includes(`"name":"${project}"`));
        expect(about.join('\n')).toContain(`"rule":"${rule}","action":"${isHeld ? 'hide' : 'report'}"`);
        if (pip !== undefined)
          expect(await installed(index, project)).toContain(
            `Successfully installed ${project}-${isHeld ? '1.0' : '2.0'}`,
          );
      }
    },
  );

  it('and whose provenance then does not come stays listed, is served only where it is told of, and called wrong nowhere', async () => {
    for (const index of INDEXES) {
      const isHeld = index !== 'report';
      const { status, text } = await file(index, 'slow', '2.0');
      expect([index, status]).toEqual([index, isHeld ? 503 : 200]);
      if (isHeld) expect(text).toContain('cannot be had at this moment, and it is not served unchecked');
      expect(await names(index, 'slow')).toEqual(BOTH('slow'));
      const said = `${await explained(index, 'slow')}${await why(index, 'slow')}`;
      expect(said).not.toContain('is wrong');
      await expect.poll(() => counted(index, 'unavailable'), PATIENCE).toBeGreaterThan(0);
      expect([index, await counted(index, 'refused')]).toEqual([index, 0]);
    }
    if (pip !== undefined) expect(await installed('report', 'slow')).toContain('Successfully installed slow-2.0');
  });

  it.runIf(requirePart('pip', pip))(
    'and is then gone from pages is no warning of pip, which takes the one before',
    async () => {
      const said = await installed('present', 'vanish');
      expect(said.replaceAll(folder, '')).not.toMatch(/warn|error|403|2\.0/i);
    },
  );
});
