import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { type LayoutRig, type LayoutRigOptions, startLayoutRig } from '../rigs/layout-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { LAYOUT_CASES, PLAIN } from '../support/layout-cases.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

const WHEELS = [tinyWheel('alpha'), tinyWheel('alpha', '2.0+local.1'), tinyWheel('beta-tool')];
const [ALPHA] = WHEELS;

let rig: LayoutRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

function sha256(bytes: Uint8Array): string {
  return digestHex('sha256', bytes);
}

/** Every signed document and every target, under every name a client may derive. */
async function relaysEverything(mirror: LayoutRig) {
  for (const [name, bytes] of mirror.repository.files) {
    if (!name.startsWith('metadata/')) continue;
    const answer = await mirror.get(`/tuf/${name}`);
    expect([name, answer.status]).toEqual([name, 200]);
    expect(answer.body.equals(bytes), name).toBe(true);
  }
  for (const [path, bytes] of mirror.targets) {
    const slash = path.lastIndexOf('/') + 1;
    const hashes = [...(mirror.repository.role(roleOf(mirror, path)).targets.get(path)?.hashes.values() ?? [])];
    expect(hashes.length).toBeGreaterThan(0);
    const names = [path, ...hashes.map((hash) => `${path.slice(0, slash)}${hash}.${path.slice(slash)}`)];
    if (slash > 0) names.push(...hashes.map((hash) => `${hash}.${path}`));
    for (const each of names) {
      const answer = await mirror.get(`/tuf/targets/${encodeURI(each)}`);
      expect([each, answer.status]).toEqual([each, 200]);
      expect(answer.body.equals(bytes), each).toBe(true);
    }
  }
}

function roleOf(mirror: LayoutRig, path: string): string {
  for (const [name, role] of mirror.repository.roles) if (role.targets.has(path)) return name;
  throw new Error(`nobody lists ${path}`);
}

describe.each(LAYOUT_CASES)('the layout $name', (layout) => {
  const start = async (options?: LayoutRigOptions) => {
    rig = await startLayoutRig(layout, WHEELS, options);
    return rig;
  };

  it('gives a project page in both forms, each file with digest and a link that leads to its bytes', async () => {
    const mirror = await start();
    const page = await mirror.page('alpha');
    expect(page.files.map(({ filename }) => filename)).toEqual(
      WHEELS.filter(({ project }) => project === 'alpha').map(({ filename }) => filename),
    );
    const html = await mirror.get('/simple/alpha/', { headers: { accept: 'text/html' } });
    for (const file of mirror.files.filter(({ project }) => project === 'alpha')) {
      const listed = page.files.find(({ filename }) => filename === file.filename);
      expect(listed?.hashes['sha256']).toBe(sha256(file.bytes));
      // Links are relative to the page's own URL.
      const { pathname } = new URL(listed?.url ?? '', `${mirror.url()}/simple/alpha/`);
      const answer = await mirror.get(pathname);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(file.bytes)).toBe(true);
      expect(html.body.toString()).toContain(`${listed?.url}#sha256=${sha256(file.bytes)}`);
    }
  });

  it('gives a cold file that was never listed to this client', async () => {
    const mirror = await start();
    for (const file of mirror.files) {
      const answer = await mirror.get(mirror.pathOf(file));
      expect([file.filename, answer.status]).toEqual([file.filename, 200]);
      expect(answer.body.equals(file.bytes)).toBe(true);
      expect(answer.headers['cache-control']).toContain('immutable');
    }
  });

  it('answers HEAD for a cold file as for a warm one', async () => {
    const mirror = await start();
    for (const file of mirror.files) {
      const cold = await mirror.get(mirror.pathOf(file), { method: 'HEAD' });
      await mirror.get(mirror.pathOf(file));
      const warm = await mirror.get(mirror.pathOf(file), { method: 'HEAD' });
      expect(cold.status).toBe(200);
      expect(cold.headers['content-length']).toBe(String(file.bytes.byteLength));
      for (const name of ['etag', 'content-type', 'accept-ranges', 'cache-control'])
        expect([name, cold.headers[name]]).toEqual([name, warm.headers[name]]);
    }
  });

  it('fetches a page and a file each once, whatever is asked after', async () => {
    const mirror = await start();
    const [file] = mirror.files;
    if (file === undefined) throw new Error('no file');
    await mirror.get(mirror.pathOf(file));
    const before = mirror.upstream.requests.length;
    await mirror.page('alpha');
    await mirror.get(mirror.pathOf(file));
    await mirror.get(mirror.pathOf(file), { method: 'HEAD' });
    expect(mirror.upstream.requests.length).toBe(before);
  });

  it('gives the core metadata that is announced, and announces none that there is not', async () => {
    const mirror = await start();
    const page = await mirror.page('alpha');
    const announced = page.files[0]?.['core-metadata'];
    if (layout.coreMetadataUrl === undefined) return expect(announced).toBeUndefined();
    expect(announced).toEqual({ sha256: sha256(ALPHA?.coreMetadata ?? new Uint8Array()) });
    for (const file of mirror.files) {
      const answer = await mirror.get(`${mirror.pathOf(file)}.metadata`);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(file.coreMetadata)).toBe(true);
    }
  });

  it('lists its projects where the layout signs a list, and says so where it does not', async () => {
    const mirror = await start();
    const answer = await mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
    if (layout.list === undefined) return expect(answer.status).toBe(501);
    expect(answer.status).toBe(200);
    const { projects } = JSON.parse(answer.body.toString());
    expect(projects.map(({ name }: { name: string }) => name)).toEqual(['alpha', 'beta-tool']);
  });

  it('answers 404 for what the signed metadata does not list', async () => {
    const mirror = await start();
    expect(await mirror.refused('/simple/gamma/')).toBe('404 unlisted');
    for (const file of mirror.files) {
      // One digit edited, and a name nobody listed beside a right digest.
      const path = mirror.pathOf(file);
      expect(await mirror.refused(path.replace(/[0-9a-f](?=\/[^/]+$)/, (digit) => (digit === '0' ? '1' : '0')))).toBe(
        '404 unlisted',
      );
      expect(await mirror.refused(`${path}.asc`)).toBe('404 unlisted');
    }
    expect(await mirror.refused('/tuf/targets/nothing/here')).toBe('404 unlisted');
  });

  it.each([
    { consistent: true, bins: 'prefixes' },
    { consistent: false, bins: 'prefixes' },
    { consistent: true, bins: 'succinct' },
    { consistent: false, bins: 'none' },
  ] as const)('passes metadata and targets on byte for byte: consistent $consistent, bins $bins', async (options) => {
    await relaysEverything(await start(options));
  });
});

describe('the layout plain', () => {
  it.each([
    { consistent: true, bins: 'none' },
    { consistent: false, bins: 'succinct' },
  ] as const)('has targets and metadata, no pages: consistent $consistent, bins $bins', async (options) => {
    rig = await startLayoutRig(PLAIN, WHEELS, options);
    await relaysEverything(rig);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    for (const file of rig.files) expect(await rig.refused(rig.pathOf(file))).toBe('404 unlisted');
  });
});
