import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explanationLines } from '../../src/app/explanation-text.ts';
import { internalCaller } from '../../src/async/caller.ts';
import { type PeopleRig, startPeopleRig, wheel } from '../rigs/people-rig.ts';

const SIMPLE = { headers: { accept: 'application/vnd.pypi.simple.v1+json' } };
const BROWSER = { headers: { accept: 'text/html' } };

let rig: PeopleRig;
beforeAll(async () => {
  rig = await startPeopleRig({
    fill(signed, pypi) {
      for (const version of ['1.0', '1.1']) signed.upload('alpha', wheel('alpha', version));
      for (let at = 0; at < 45; at++) pypi.upload('beta', wheel('beta', `1.${at}`));
      pypi.upload('beta', wheel('beta', '2.0'), {
        yanked: '<img src=x onerror=alert(1)>\u202e',
        'requires-python': '>=3.9"><script>',
        provenance: 'https://pypi.example/x',
      });
      pypi.upload('beta', wheel('beta', '3.0'), { hashes: { sha256: 'none' } });
      pypi.upload('gamma', wheel('gamma', '1.0'));
    },
  });
});
afterAll(() => rig.close());
const html = async (path: string) => (await rig.get(path, BROWSER)).body.toString();
const asked = () => rig.pypi.requests.length + rig.upstream.requests.length;

describe('the page of a project', () => {
  it('of which nothing is held says so, and asks nobody', async () => {
    const before = asked();
    for (const path of ['/project/alpha/', '/pypi-org/project/gamma/', '/pypi-org/project/nowhere/']) {
      const { status, body } = await rig.get(path, BROWSER);
      expect(status).toBe(404);
      expect(body.toString()).toContain('is not held here');
      expect(await rig.json(path)).toMatchObject({ known: false });
    }
    expect(asked()).toBe(before);
  });

  it('lists versions and files with digest, time, evidence and whether they are held', async () => {
    await rig.get('/simple/alpha/', SIMPLE);
    const { body } = await rig.get('/simple/alpha/', SIMPLE);
    const [{ url, hashes }] = JSON.parse(body.toString()).files;
    const [before] = await filesOf('/project/alpha/', 1);
    await rig.get(new URL(url, `${rig.url()}/simple/alpha/`).pathname);
    const view = await rig.json('/project/alpha/');
    expect(view).toMatchObject({ project: 'alpha', index: 'main', evidence: 'tuf', standing: 'fresh', fileCount: 2 });
    expect(view['versions']).toEqual(['1.1', '1.0']);
    expect(before).toMatchObject({ held: false });
    expect((await filesOf('/project/alpha/', 1)).at(-1)).toMatchObject({
      filename: 'alpha-1.0-py3-none-any.whl',
      digests: { sha256: hashes.sha256 },
      uploadTime: '2026-05-04T03:02:01.000000Z',
      evidence: 'tuf',
      held: true,
    });
  });

  it('has its files in pages, the newest version first, and each of them once', async () => {
    await rig.get('/pypi-org/simple/beta/', SIMPLE);
    const names: string[] = [];
    for (const page of [1, 2, 3])
      names.push(...(await filesOf('/pypi-org/project/beta/', page)).map(({ filename }) => filename));
    expect(new Set(names).size).toBe(46);
    expect(names).toHaveLength(46);
    expect(await rig.json('/pypi-org/project/beta/?page=99')).toMatchObject({ page: 3, pages: 3 });
  });

  it('says what is left out, why, and what would let it in', async () => {
    expect(await rig.json('/pypi-org/project/beta/')).toMatchObject({
      leftOutCount: 1,
      leftOut: [{ why: 'digest', names: ['beta-3.0-py3-none-any.whl'] }],
    });
    expect(await html('/pypi-org/project/beta/')).toContain('the index has to state a sha256');
  });

  it('shows what upstream wrote as text, whatever it wrote', async () => {
    const page = await html('/pypi-org/project/beta/');
    expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;·');
    expect(page).not.toMatch(/<img|<script|\u202e/);
    expect(page).not.toContain('pypi.example');
    expect(page).toContain('integrity/beta/2.0/beta-2.0-py3-none-any.whl/provenance');
  });

  it('tells what upstream changed, and goes on when upstream is away', async () => {
    const gone = wheel('beta', '1.7');
    rig.pypi.remove('beta', gone.filename);
    for (let again = 0; again < 3; again++) {
      rig.clock.advance(1000);
      await rig.get('/pypi-org/simple/beta/', SIMPLE);
    }
    const { changes } = (await rig.json('/pypi-org/project/beta/')) as { changes: unknown };
    expect(changes).toMatchObject([{ kind: 'removed', thing: gone.filename }]);
    expect(await rig.json('/pypi-org/events')).toMatchObject({ events: [{ kind: 'removed', index: 'pypi-org' }] });
    expect(await rig.json('/main/events')).toMatchObject({ events: [] });
    const before = asked();
    rig.clock.advance(5000);
    expect(await rig.json('/pypi-org/project/beta/')).toMatchObject({ standing: 'stale', fileCount: 45 });
    expect(asked()).toBe(before);
  });
});

describe('why a file may be served', () => {
  it.each([
    ['/why/alpha-1.0-py3-none-any.whl', 'main', 'alpha-1.0-py3-none-any.whl'],
    ['/why/alpha', 'main', 'alpha'],
    ['/pypi-org/why/beta-1.1-py3-none-any.whl', 'pypi-org', 'beta-1.1-py3-none-any.whl'],
  ])('%s says it in the very words of the command', async (path, index, name) => {
    const explanation = await rig.index(index).explain(name, internalCaller(index), { held: true });
    const words = explanationLines(explanation, rig.clock.now()).join(' ').replace(/\s+/g, ' ');
    const view = (await rig.json(path)) as { head: string; forge: string; facts: string[]; chain: { says: string }[] };
    for (const said of [view.head, view.forge, ...view.facts, ...view.chain.map(({ says }) => says)])
      expect(words).toContain(said);
    expect(view.forge).toMatch(/[Tt]o forge (it|this file)/);
    const page = await html(path);
    expect(page).toContain('<svg');
    expect(page).toContain(name);
  });

  it('is drawn from the pinned root to the digest', async () => {
    const { chain, digests } = (await rig.json('/why/alpha-1.0-py3-none-any.whl')) as {
      chain: { role: string }[];
      digests: Record<string, string>;
    };
    expect(chain.map(({ role }) => role).slice(0, 3)).toEqual(['root', 'targets', 'bins']);
    const page = await html('/why/alpha-1.0-py3-none-any.whl');
    expect(page).toContain('root, which you pinned');
    expect(page).toContain(digests['sha256']?.slice(0, 20));
  });

  it('asks nobody, and says that what is not held is not known', async () => {
    const before = asked();
    for (const path of [
      '/why/nobody-1.0-py3-none-any.whl',
      '/pypi-org/why/gamma',
      '/pypi-org/why/beta-3.0-py3-none-any.whl',
    ])
      expect((await rig.get(path, BROWSER)).status).toBe(404);
    expect(asked()).toBe(before);
  });
});

describe('a search', () => {
  it('finds what is held, and what is listed where the list is held; beginnings first', async () => {
    expect(await rig.json('/pypi-org/project/?q=BET')).toMatchObject({
      found: [{ project: 'beta', held: true }],
      known: { listed: 0 },
    });
    expect(await rig.json('/pypi-org/project/?q=gamma')).toMatchObject({ found: [] });
    expect(await rig.json('/project/?q=alph')).toMatchObject({ found: [{ project: 'alpha', held: true }] });
  });

  it('shows what was typed as text', async () => {
    const page = await html('/pypi-org/project/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E');
    expect(page).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
    expect(page).not.toContain('<script');
  });

  it('asks nobody', async () => {
    const before = asked();
    await rig.json('/pypi-org/project/?q=a');
    await rig.json('/project/?q=a');
    expect(asked()).toBe(before);
  });
});

interface File {
  readonly filename: string;
}

async function filesOf(path: string, page: number): Promise<readonly File[]> {
  const { files } = await rig.json(`${path}?page=${page}`);
  if (!Array.isArray(files)) throw new Error(`${path} lists no files`);
  return files;
}
