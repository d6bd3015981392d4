import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { advisory, range } from '../support/advisories.ts';
import { axeFindings, LOOKS, PICTURES, startBrowser } from '../support/browser.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { nextSecond } from '../support/next-second.ts';
import {
  GITHUB_CLAIMS,
  GITHUB_PUBLISHER,
  provenanceOf,
  startSigstore,
  type TestSigstore,
} from '../support/sigstore.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../support/verbatim.ts';

// What pages and explain say of a project beside its chain: who published it, what is known to be bad, and what rules hold back.

const OTHER = {
  claims: {
    ...GITHUB_CLAIMS,
    12: 'https://github.com/evil/mill',
    15: '666',
    18: 'https://github.com/evil/mill/.github/workflows/release.yml@refs/tags/v1',
  },
  publisher: { kind: 'GitHub', repository: 'evil/mill', workflow: 'release.yml' },
};
const MILL = { claims: GITHUB_CLAIMS, publisher: GITHUB_PUBLISHER };
const WORDS = [
  ['1.0', 'no-provenance', 'no file says who published it'],
  ['1.1', 'full-provenance', 'every file says who published it'],
  ['1.2', 'inconsistent-provenance', 'its files were published by different publishers'],
  ['1.3', 'partial-provenance', 'some of its files say who published them'],
  ['1.4', 'changed-provenance', 'somebody else published the release before'],
  ['1.5', 'lost-provenance', 'no file says who published it, and the release before did'],
] as const;
const YOUNG = tinyWheel('young', '2.0');

let folder: string;
let sigstore: TestSigstore;
let pypi: FakePypi;
let server: RunningVerbatim;
const files: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verbatim-people-told-'));
  sigstore = await startSigstore();
  pypi = await startFakePypi({ maxAge: 0 });
  const root = join(folder, 'trusted_root.json');
  await writeFile(root, JSON.stringify(sigstore.trustedRoot));
  await mkdir(join(folder, 'feed'));
  const bad = advisory('MAL-2026-7', 'mill', { versions: ['0.9'] }, { summary: 'It steals keys' });
  const weak = advisory('PYSEC-2026-2', 'mill', range({ introduced: '0' }, { fixed: '1.1' }));
  await writeFile(join(folder, 'feed', 'mal.json'), JSON.stringify(bad));
  await writeFile(join(folder, 'feed', 'weak.json'), JSON.stringify(weak));
  await release('0.9', undefined);
  await release('1.0', undefined);
  await release('1.1', MILL);
  await release('1.3', MILL, 'none');
  pypi.upload('young', tinyWheel('young', '1.0'));
  pypi.upload('young', { ...YOUNG, uploadTime: new Date(Date.now() - 3_600_000).toISOString() });
  const index = {
    evidence: 'index',
    upstream: `${pypi.url}simple/`,
    file_hosts: [`127.0.0.1:${pypi.files.port}`],
    max_age: 0,
    look_ahead: { enabled: false },
    provenance: { mode: 'report', trusted_root: root },
    policy: {
      minimum_age: '7d',
      projects: { mill: { minimum_age: '0' } },
      names: { deny: ['evil-*'], action: 'deny' },
      conditions: [{ when: 'late-file', do: 'report' }],
      exceptions: [{ project: 'gone', rule: 'minimum age', reason: 'It was known', until: '2020-01-01' }],
    },
  };
  const config = {
    server: { port: 0 },
    data: join(folder, 'data'),
    advisories: { folder: join(folder, 'feed') },
    indexes: { main: index },
  };
  await writeFile(join(folder, 'verbatim.yaml'), JSON.stringify(config));
  server = await startVerbatim(['--config', join(folder, 'verbatim.yaml')], join(folder, 'data'));
  await askAll();
  // What came since the second of the first look is held to whom that saw.
  await nextSecond();
  await release('1.2', MILL, OTHER);
  await release('1.4', OTHER);
  await release('1.5', undefined);
  await askAll();
}, 240_000);

afterAll(async () => {
  await server?.close();
  await pypi?.close();
  await rm(folder, { recursive: true });
});

type By = typeof MILL | undefined;

/** Uploads a release of one file, or of two. */
async function release(version: string, ...by: readonly (By | 'none')[]): Promise<void> {
  for (const [at, publisher] of by.entries()) {
    const wheel = tinyWheel('mill', version);
    const filename = at === 0 ? wheel.filename : wheel.filename.replace('-py3', `-${at}-py3`);
    files.push(filename);
    const provenance = `${pypi.url}integrity/mill/${version}/${filename}/provenance`;
    if (publisher !== undefined && publisher !== 'none') {
      const sha256 = createHash('sha256').update(wheel.bytes).digest('hex');
      const attestation = await sigstore.attest({ filename, sha256 }, { claims: publisher.claims });
      pypi.provenance.set(filename, provenanceOf(publisher.publisher, attestation));
    }
    const announced = pypi.provenance.has(filename) ? { provenance } : {};
    pypi.upload('mill', { ...wheel, filename }, announced);
  }
}

/** Every file is asked for once, and what announces who published it was looked at. */
async function askAll(): Promise<void> {
  const at = new URL('/simple/mill/', server.simple);
  const page = async () =>
    JSON.parse(await (await fetch(at, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } })).text());
  const names = async () => (await page()).files.map(({ filename }: { filename: string }) => filename);
  await vi.waitFor(async () => expect(await names()).toEqual(expect.arrayContaining(files)), { timeout: 60_000 });
  for (const { url } of (await page()).files) await (await fetch(new URL(url, at))).arrayBuffer();
  const unlooked = async () => (await json('/project/mill/')).files.filter(isUnlooked).length;
  await vi.waitFor(async () => expect(await unlooked()).toBe(0), { timeout: 60_000 });
}

const isUnlooked = ({ published }: { published: { result: string } | null }) => published?.result === 'unknown';

async function shown(path: string, accept: string): Promise<string> {
  return (await fetch(new URL(path, server.simple), { headers: { accept } })).text();
}
const json = async (path: string) => JSON.parse(await shown(path, 'application/json'));
const explained = async (...args: readonly string[]) =>
  (await verbatim('explain', ...args, '--config', join(folder, 'verbatim.yaml'))).stdout;

describe('who published a project', () => {
  it('is told by PyPI’s six words, each with the same sentence on the page and by explain', async () => {
    const { provenance } = await json('/project/mill/');
    const [page, lines] = [await shown('/project/mill/', 'text/html'), await explained('mill')];
    for (const [version, word, says] of WORDS) {
      const release = provenance.releases.find((each: { version: string }) => each.version === version);
      expect(release.words, version).toContainEqual({ word, says });
      expect(page).toContain(`${word}</`);
      expect(page).toContain(says);
      expect(lines).toMatch(new RegExp(`^  ${version}  .*${word}: ${says}`, 'm'));
    }
  });

  it('is remembered with the id that names do not change, and said since when', async () => {
    const { provenance } = await json('/project/mill/');
    expect(provenance).toMatchObject({
      mode: 'report',
      expected: [{ id: 'https://github.com repository 4711', by: 'first-sight', since: expect.any(Number) }],
    });
    const page = await shown('/project/mill/', 'text/html');
    expect(page).toMatch(/Files of mill are expected from GitHub octo\/mill release\.yml since \d{4}-\d\d-\d\d/);
    expect(provenance.remembered.every((each: string) => page.includes(each))).toBe(true);
  });

  it('is told of each file: verified and by whom, or that it does not say', async () => {
    const view = await json('/why/mill-1.1-py3-none-any.whl');
    expect(view.published).toMatchObject({ result: 'verified', publishers: ['GitHub octo/mill release.yml'] });
    expect(await shown('/why/mill-1.1-py3-none-any.whl', 'text/html')).toContain(view.published.says);
    expect(await explained('mill-1.1-py3-none-any.whl')).toContain(`Provenance: ${view.published.says}`);
    const none = await json('/why/mill-1.0-py3-none-any.whl');
    expect(none.published).toMatchObject({ result: 'none', says: 'It does not say who published it.' });
    const changed = await json('/why/mill-1.4-py3-none-any.whl');
    expect(changed.rules).toMatchObject([{ rule: 'changed provenance', action: 'report', setting: 'provenance.mode' }]);
  });
});

describe('what is known to be bad', () => {
  it('is told of a project: which versions, what mends it, and what becomes of them', async () => {
    const { advisories } = await json('/project/mill/');
    expect(advisories).toMatchObject([
      { id: 'MAL-2026-7', malware: true, versions: ['0.9'], action: 'deny' },
      { id: 'PYSEC-2026-2', malware: false, versions: ['0.9', '1.0'], fixedIn: ['1.1'], action: 'report' },
    ]);
    const [page, lines] = [await shown('/project/mill/', 'text/html'), await explained('mill')];
    for (const { says } of advisories) for (const told of [page, lines]) expect(told).toContain(says);
    expect(page).toContain('mended in 1.1');
  });

  it('is told of a file where it speaks of that file’s version', async () => {
    const said = async (version: string) => (await json(`/why/mill-${version}-py3-none-any.whl`)).advisories;
    expect(await said('1.0')).toMatchObject([{ id: 'PYSEC-2026-2' }]);
    expect(await said('1.1')).toEqual([]);
    expect(await shown('/why/mill-1.1-py3-none-any.whl', 'text/html')).toContain('no clean bill');
  });

  it('is told of a file that is refused for it, with what would let it pass', async () => {
    expect(await json('/why/mill-0.9-py3-none-any.whl')).toMatchObject({
      heldBack: true,
      rule: 'known malware',
      setting: 'advisories.malware',
      advisories: [{ id: 'MAL-2026-7' }, { id: 'PYSEC-2026-2' }],
      remedy: 'verbatim requests --allow main mill==0.9 --rule "known malware" --reason "..."',
    });
  });
});

describe('a file that is too young', () => {
  it('is told with rule, reason, until when, and the setting, on its page and its project’s', async () => {
    const at = new URL('/simple/young/', server.simple);
    await (await fetch(at)).arrayBuffer();
    const why = await json(`/why/${YOUNG.filename}`);
    expect(why).toMatchObject({
      heldBack: true,
      rule: 'minimum age',
      setting: 'policy.minimum_age',
      until: expect.any(Number),
    });
    expect(why.says).toContain('this mirror waits for 7 days');
    const page = await shown(`/why/${YOUNG.filename}`, 'text/html');
    for (const words of ['not served?', why.says, 'minimum age', 'verbatim requests --allow main young==2.0'])
      expect(page).toContain(words);
    const { rules } = await json('/project/young/');
    expect(rules).toMatchObject([{ rule: 'minimum age', action: 'hide', files: 1, until: why.until }]);
    expect(await explained('young')).toContain('(the setting: policy.minimum_age)');
    expect(await shown('/project/young/', 'text/html')).toContain(why.says);
  });
});

/** Before anybody has answered what was asked for. */
describe.each(LOOKS)('what is told, in $name', { timeout: 600_000 }, ({ name, options }) => {
  it('has no fault that axe-core finds, and fits', async () => {
    const browser = await startBrowser();
    try {
      for (const [page, path] of [
        ['told-policy', '/policy'],
        ['told-project', '/project/mill/'],
        ['told-young', '/project/young/'],
        ['told-why', '/why/mill-1.4-py3-none-any.whl'],
        ['told-held', `/why/${YOUNG.filename}`],
        ['told-home', '/'],
      ]) {
        const tab = await browser.newPage(options);
        await tab.goto(new URL(path ?? '', server.simple).href);
        expect(await axeFindings(tab), page).toEqual([]);
        expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${page} is too wide`).toBe(
          true,
        );
        expect((await tab.content()).length, page).toBeLessThan(30_000);
        await tab.screenshot({ path: `${PICTURES}/${page}-${name}.png`, fullPage: true });
        await tab.close();
      }
    } finally {
      await browser.close();
    }
  });
});

describe('the page of what is held back', { timeout: 120_000 }, () => {
  it('says the rules of an index in plain words, each with its setting, and the exceptions with their end', async () => {
    const { indexes, feed } = await json('/policy');
    const [{ name, rules, exceptions, exceptionCount }] = indexes;
    expect(name).toBe('main');
    expect(rules).toMatchObject([
      { rule: 'minimum age', action: 'hide', setting: 'policy.minimum_age' },
      { rule: 'names', action: 'deny', says: 'Projects and versions called evil-*.' },
      { rule: 'late-file', action: 'report', says: 'Files that join a release more than 14 days after its first.' },
      { rule: 'known malware', action: 'deny', setting: 'advisories.malware' },
      { rule: 'known vulnerable', action: 'report' },
      { rule: 'provenance', action: 'report', setting: 'provenance.mode' },
    ]);
    expect(rules[0].says).toMatch(/7 days: .*Otherwise for mill \(no time\)\./);
    expect(exceptions).toMatchObject([{ project: 'gone', reason: 'It was known', ended: true }]);
    expect(exceptionCount).toBe(1);
    expect(feed).toMatchObject({ records: 2, malware: 1, failing: false });
    const page = await shown('/main/policy', 'text/html');
    for (const { says } of rules) expect(page).toContain(says);
  });

  it('says what is held back now, and what was asked for in vain until somebody answers', async () => {
    const refused = await fetch(new URL(pypi.storedAt(YOUNG), server.simple));
    expect(refused.status).toBe(403);
    const view = () => json('/main/policy');
    const waiting = { timeout: 60_000, interval: 500 };
    await expect
      .poll(async () => (await view()).requests, waiting)
      .toMatchObject([
        { project: 'mill', version: '0.9', rule: 'known malware' },
        { index: 'main', project: 'young', version: '2.0', rule: 'minimum age', count: 1, clients: 1 },
      ]);
    const { indexes } = await view();
    expect(indexes).toMatchObject([
      { heldBack: 1, held: [{ project: 'young', rule: 'minimum age', action: 'hide', files: 1 }] },
    ]);
    const page = await shown('/main/policy', 'text/html');
    expect(page).toContain('Rules keep <b>1</b> file off pages now');
    expect(page).toContain('verbatim requests --allow main young==2.0 --rule &quot;minimum age&quot;');
    const file = join(folder, 'verbatim.yaml');
    const answer = ['main', 'young==2.0', '--rule', 'minimum age', '--reason', 'We read it'];
    expect(await verbatim('requests', '--allow', ...answer, '--config', file)).toMatchObject({ code: 0 });
    await expect.poll(async () => (await view()).requestCount, waiting).toBe(1);
  });
});
