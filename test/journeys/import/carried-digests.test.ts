import { afterEach, describe, expect, it } from 'vitest';
import { explanationLines } from '../../../src/app/explanation-text.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type ImportRig, type ImportRigOptions, importKey, startImportRig } from '../../rigs/import-rig.ts';
import { JSON_PAGE, NOW } from '../../rigs/mirror.ts';
import { client } from '../../support/callers.ts';
import { DAY } from '../../support/clock.ts';
import { signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Files whose pages state no digest, of an index that bundles bring: the signed manifest states it.

const ALPHA = tinyWheel('alpha');
const OTHER = tinyWheel('alpha', '1.0', 'other bytes');
const ALPHA2 = tinyWheel('alpha', '2.0');
const ADDRESS = `/files/alpha/first-sight/${ALPHA.filename}`;
const AS_CARRIED = /^as carried by outside on 20\d\d-\d\d-\d\d$/;

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function start(options?: ImportRigOptions): Promise<ImportRig> {
  const rig = await startImportRig({ ...options, index: { undigested: 'first-sight', ...options?.index } });
  open.push(rig);
  return rig;
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Refusal ? `${error.reason}: ${error.message}` : String(error)),
  );

async function labels(rig: ImportRig): Promise<readonly unknown[]> {
  const { body } = await rig.get('/simple/alpha/', { headers: { accept: JSON_PAGE } });
  const { files } = JSON.parse(body.toString('utf8'));
  return files.map((file: Record<string, unknown>) => file['_verbatim-evidence']);
}

/** An index that took one bundle with a file that its page states no digest of. */
async function withBare(options?: ImportRigOptions): Promise<ImportRig> {
  const rig = await start(options);
  rig.sender.putBare('alpha', ALPHA);
  expect(await rig.take([(await rig.sender.bundle()).whole])).toMatchObject({ pages: 1, files: 1, heldBack: [] });
  return rig;
}

describe('a file whose page states no digest', () => {
  it('is served by the digest that the signed manifest names, and says so on its page and with its bytes', async () => {
    const rig = await withBare();
    const { files } = await rig.page('alpha');
    expect(files.map(({ filename, hashes }) => [filename, hashes])).toEqual([
      [ALPHA.filename, { sha256: sha256Hex(ALPHA.bytes) }],
    ]);
    expect(await labels(rig)).toEqual([expect.stringMatching(AS_CARRIED)]);
    const html = (await rig.get('/simple/alpha/', { headers: { accept: 'text/html' } })).body.toString('utf8');
    expect(html).toMatch(/data-verbatim-evidence="as carried by outside on /);
    const answer = await rig.get(ADDRESS);
    expect([answer.status, Buffer.compare(answer.body, ALPHA.bytes)]).toEqual([200, 0]);
    expect(answer.headers['verbatim-evidence']).toMatch(AS_CARRIED);
    expect(answer.headers['cache-control']).not.toContain('immutable');
  });

  it('is explained by who carried it, and counted', async () => {
    const rig = await withBare();
    const explained = await rig.index().explain(ALPHA.filename, client());
    const lines = explanationLines(explained, NOW).join('\n');
    expect(lines).toMatch(/signed manifest of a bundle names \(evidence: as carried by outside on /);
    expect(lines).toContain(`Digest in the signed manifest: sha256 ${sha256Hex(ALPHA.bytes)}`);
    expect(lines).toContain('no other bytes are ever served under this name');
    const project = explanationLines(await rig.index().explain('alpha', client()), NOW).join('\n');
    expect(project).toMatch(/a project with 1 file, proved by the digests that the signed manifest/);
    expect(await rig.index().status()).toMatchObject({ byManifest: 1, firstSight: 0, leftOut: new Map() });
  });

  it('keeps its bytes after a restart, and says the date of each newer bundle', async () => {
    const rig = await withBare();
    const [before] = await labels(rig);
    rig.sender.putBare('alpha', ALPHA, ALPHA2);
    await rig.take([(await rig.sender.bundle({ since: 1 })).whole]);
    const now = await labels(rig);
    expect(now).toHaveLength(2);
    expect(now).not.toContain(before);
    await rig.restart();
    expect(await labels(rig)).toEqual(now);
    expect(Buffer.compare((await rig.get(ADDRESS)).body, ALPHA.bytes)).toBe(0);
  });

  it('is held back where the operator withholds what has no digest, and nothing else of the bundle is', async () => {
    const rig = await start({ index: { undigested: 'withhold' } });
    rig.sender.putBare('alpha', ALPHA);
    rig.sender.put('beta', tinyWheel('beta'));
    const { heldBack } = await rig.take([(await rig.sender.bundle()).whole]);
    expect(heldBack).toEqual([{ project: 'alpha', file: ALPHA.filename, reason: 'policy' }]);
    expect([await rig.names('alpha'), (await rig.names('beta')).length]).toEqual([[], 1]);
    expect(await rig.index().status()).toMatchObject({ byManifest: 0, leftOut: new Map([['no-digest', 1]]) });
  });
});

describe('another digest of the same file', () => {
  it('in the manifest of the next bundle is held back, though its page is the same to the byte', async () => {
    const rig = await withBare();
    expect(await labels(rig)).toHaveLength(1);
    rig.sender.putBare('alpha', OTHER);
    const imported = await rig.take([(await rig.sender.bundle({ since: 1 })).whole]);
    expect(imported.heldBack).toEqual([{ project: 'alpha', file: ALPHA.filename, reason: 'changed' }]);
    expect(await rig.names('alpha')).toEqual([]);
    expect(await rig.refused(ADDRESS)).toBe('403 changed');
  });

  it('is held back though nobody had looked at the first one, and whether the bundle is complete or not', async () => {
    const rig = await withBare();
    rig.sender.putBare('alpha', OTHER, ALPHA2);
    const imported = await rig.take([(await rig.sender.bundle()).whole]);
    expect(imported.heldBack).toEqual([{ project: 'alpha', file: ALPHA.filename, reason: 'changed' }]);
    expect(await rig.names('alpha')).toEqual([ALPHA2.filename]);
  });

  it('on a later page is held back, and the same one is served as its page says', async () => {
    const rig = await withBare();
    rig.sender.put('alpha', OTHER);
    const { heldBack } = await rig.take([(await rig.sender.bundle({ since: 1 })).whole]);
    expect(heldBack).toEqual([{ project: 'alpha', file: ALPHA.filename, reason: 'changed' }]);
    expect(await rig.refused(ADDRESS)).toBe('403 changed');
    rig.sender.put('alpha', ALPHA);
    expect((await rig.take([(await rig.sender.bundle({ since: 1 })).whole])).heldBack).toEqual([]);
    expect(await labels(rig)).toEqual([undefined]);
    const answer = await rig.get(ADDRESS);
    expect([answer.status, answer.headers['verbatim-evidence']]).toEqual([200, 'index']);
  });

  it('is let in where the operator lets upstream exchange files', async () => {
    const rig = await withBare({ index: { reuploads: true } });
    rig.sender.putBare('alpha', OTHER);
    expect((await rig.take([(await rig.sender.bundle({ since: 1 })).whole])).heldBack).toEqual([]);
    expect(Buffer.compare((await rig.get(ADDRESS)).body, OTHER.bytes)).toBe(0);
  });
});

describe('a manifest that no accepted key signed states nothing', () => {
  it('where the key is unknown, or nobody signed', async () => {
    const rig = await start();
    rig.sender.putBare('alpha', ALPHA);
    const stranger = await signingKey();
    for (const keys of [[], [stranger]])
      expect(await refusalOf(rig.take([(await rig.sender.bundle({ keys })).whole]))).toMatch(/^threshold/);
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    expect(await rig.refused(ADDRESS)).toBe('503 offline');
  });

  it('where the key has ended, by its name, and pins nothing', async () => {
    const retired = await signingKey();
    const current = await signingKey();
    const rig = await start({
      import: { keys: [importKey('old-outside', retired, NOW - DAY), importKey('outside', current)] },
    });
    rig.sender.putBare('alpha', OTHER);
    const old = await rig.sender.bundle({ keys: [retired] });
    expect(await refusalOf(rig.take([old.whole]))).toMatch(/^expired: .*old-outside/);
    rig.sender.putBare('alpha', ALPHA);
    await rig.take([(await rig.sender.bundle({ keys: [current] })).whole]);
    expect(Buffer.compare((await rig.get(ADDRESS)).body, ALPHA.bytes)).toBe(0);
  });

  it('and one that is refused for another reason pins nothing either', async () => {
    const rig = await start();
    rig.sender.putBare('alpha', OTHER);
    const failing = await rig.sender.bundle();
    const scanner = { version: async () => 'one', scan: async () => Promise.reject(new Refusal('policy', 'infected')) };
    const said = await refusalOf(rig.take([failing.whole], { place: (place) => ({ ...place, scanner }) }));
    expect(said).toBe('policy: infected');
    rig.sender.putBare('alpha', ALPHA);
    expect((await rig.take([(await rig.sender.bundle()).whole])).heldBack).toEqual([]);
    expect(Buffer.compare((await rig.get(ADDRESS)).body, ALPHA.bytes)).toBe(0);
  });
});
