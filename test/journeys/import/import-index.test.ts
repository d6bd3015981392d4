import { afterEach, describe, expect, it } from 'vitest';
import { instantText } from '../../../src/bytes/instant.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type ImportRig, type ImportRigOptions, importKey, startImportRig } from '../../rigs/import-rig.ts';
import { NOW } from '../../rigs/mirror.ts';
import { DAY } from '../../support/clock.ts';
import { signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// An index that signs nothing, and that bundles bring: the manifest is the generation.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function start(options?: ImportRigOptions): Promise<ImportRig> {
  const rig = await startImportRig(options);
  open.push(rig);
  return rig;
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Refusal ? `${error.reason}: ${error.message}` : String(error)),
  );
const bytesAt = async (rig: ImportRig, project: string, filename: string) => {
  const { files } = await rig.page(project);
  const { url = '' } = files.find((file) => file.filename === filename) ?? {};
  return (await rig.get(new URL(url, `http://host/simple/${project}/`).pathname)).body;
};

describe('a bundle that this site’s key signed', () => {
  it('becomes the index: pages, files, and what is not in it', async () => {
    const rig = await start();
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    rig.sender.put('alpha', ALPHA);
    rig.sender.put('beta', BETA);
    const { whole } = await rig.sender.bundle();
    const imported = await rig.take([whole]);
    expect(imported).toMatchObject({ number: 1, key: 'outside', contents: 4, pages: 2, files: 2, heldBack: [] });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect((await bytesAt(rig, 'beta', BETA.filename)).equals(BETA.bytes)).toBe(true);
    expect(await rig.refused('/simple/gamma/')).toBe('503 offline');
  });

  it('has core metadata that was not carried read out of the wheel that was', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    await rig.take([(await rig.sender.bundle()).whole]);
    const { files } = await rig.page('alpha');
    expect(files[0]?.['core-metadata']).toMatchObject({ sha256: expect.any(String) });
    const address = new URL(`${files[0]?.url}.metadata`, 'http://host/simple/alpha/').pathname;
    expect(Buffer.compare((await rig.get(address)).body, ALPHA.coreMetadata)).toBe(0);
  });

  it('is served after a restart, and says who carried it and when', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    await rig.take([(await rig.sender.bundle()).whole]);
    await rig.restart();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    const { carried } = await rig.index().status();
    expect(carried?.label).toMatch(/^as carried by outside on 20\d\d-\d\d-\d\d$/);
  });

  it('takes away what it says is gone, and leaves what it does not mention', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA, ALPHA2);
    rig.sender.put('beta', BETA);
    await rig.take([(await rig.sender.bundle()).whole]);
    rig.sender.put('alpha', ALPHA2);
    const { removed, pages } = await rig.take([(await rig.sender.bundle({ since: 1 })).whole]);
    expect([removed, pages]).toEqual([1, 1]);
    expect(await rig.names('alpha')).toEqual([ALPHA2.filename]);
    expect(await rig.names('beta')).toEqual([BETA.filename]);
    rig.sender.put('beta');
    await rig.take([(await rig.sender.bundle({ since: 2 })).whole]);
    expect(await rig.refused('/simple/beta/')).toBe('503 offline');
  });

  it('may be cut, in pieces of any order, given twice and beside other files', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { head, pieces } = await rig.sender.bundle({ pieceSize: 700 });
    expect(pieces.length).toBeGreaterThan(2);
    const shuffled = [Buffer.from('a note for the courier'), ...[...pieces].reverse(), ...pieces.slice(0, 1), head];
    await rig.take(shuffled);
    expect((await bytesAt(rig, 'alpha', ALPHA.filename)).equals(ALPHA.bytes)).toBe(true);
  });

  it('names the pieces that are missing, and the one that is damaged', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { head, pieces } = await rig.sender.bundle({ pieceSize: 700 });
    expect(await refusalOf(rig.take([head, ...pieces.slice(2)]))).toContain('truncated: Of bundle 1, which has');
    expect(await refusalOf(rig.take([head, ...pieces.slice(2)]))).toContain('pieces 1, 2 are missing');
    const damaged = Buffer.from(pieces[1] ?? '');
    damaged[300] = (damaged[300] ?? 0) ^ 1;
    const said = await refusalOf(rig.take([head, ...pieces.slice(0, 1), damaged, ...pieces.slice(2)]));
    expect(said).toContain('piece 2 is missing');
    expect(said).toContain('damaged: carry it again');
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    await rig.take([head, ...pieces]);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('changes nothing where it is only rehearsed', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { whole } = await rig.sender.bundle();
    expect(await rig.take([whole], { dryRun: true })).toMatchObject({ contents: 2, pages: 1, files: 1, there: 0 });
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    expect(await rig.take([whole], { dryRun: true })).toMatchObject({ contents: 2 });
  });

  it('mends what was lost of it when it comes again', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { whole } = await rig.sender.bundle();
    await rig.take([whole]);
    const { sha256Hex } = await import('../../../src/bytes/digest.ts');
    await rig.forget(sha256Hex(ALPHA.bytes));
    expect((await bytesAt(rig, 'alpha', ALPHA.filename)).equals(ALPHA.bytes)).toBe(false);
    expect(await rig.take([whole])).toMatchObject({ isHere: true, contents: 1 });
    expect((await bytesAt(rig, 'alpha', ALPHA.filename)).equals(ALPHA.bytes)).toBe(true);
  });
});

describe('the next key', () => {
  it('is believed once a signed bundle has announced it, from its time on and by its name', async () => {
    const rig = await start();
    const next = await signingKey();
    rig.sender.put('alpha', ALPHA);
    const from = instantText(NOW + DAY);
    const announced = [{ public: next.public, name: 'outside-next', from }];
    await rig.take([(await rig.sender.bundle({ header: { keys: announced } })).whole]);
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const { whole } = await rig.sender.bundle({ since: 1, keys: [next] });
    expect(await refusalOf(rig.take([whole]))).toMatch(/^threshold/);
    rig.clock.advance(2 * DAY);
    expect(await rig.take([whole])).toMatchObject({ number: 2, key: 'outside-next' });
    expect((await rig.index().status()).carried?.label).toContain('as carried by outside-next');
  });
});

describe('what is refused, and leaves what was served', () => {
  const withOne = async (options?: ImportRigOptions) => {
    const rig = await start(options);
    rig.sender.put('alpha', ALPHA);
    const first = await rig.sender.bundle();
    await rig.take([first.whole]);
    return { rig, first };
  };
  const stands = async (rig: ImportRig) => expect(await rig.names('alpha')).toEqual([ALPHA.filename]);

  it('a bundle that nobody signed, or whose signature is of an unknown key', async () => {
    const { rig } = await withOne();
    rig.sender.put('alpha', ALPHA2);
    expect(await refusalOf(rig.take([(await rig.sender.bundle({ since: 1, keys: [] })).whole]))).toContain('threshold');
    const stranger = await signingKey();
    const second = await rig.sender.bundle({ since: 1, keys: [stranger] });
    expect(await refusalOf(rig.take([second.whole]))).toContain('threshold: None of the keys');
    await stands(rig);
  });

  it('one signed by a key that has ended, by its name', async () => {
    const retired = await signingKey();
    const { rig } = await withOne();
    await rig.close();
    open.splice(0);
    const again = await start({ import: { keys: [importKey('old-outside', retired, NOW - DAY)] } });
    again.sender.put('alpha', ALPHA);
    const said = await refusalOf(again.take([(await again.sender.bundle({ keys: [retired] })).whole]));
    expect(said).toMatch(/^expired: .*old-outside/);
  });

  it('an older number, and a fork of the one that is here', async () => {
    const { rig, first } = await withOne();
    rig.sender.put('alpha', ALPHA, ALPHA2);
    await rig.take([(await rig.sender.bundle({ since: 1 })).whole]);
    expect(await rig.names('alpha')).toHaveLength(2);
    const other = await startImportRig();
    open.push(other);
    expect(await refusalOf(rig.take([first.whole]))).toBe('nothing');
    expect(await rig.names('alpha')).toHaveLength(2);
    const { Sender } = await import('../../support/sender.ts');
    const forked = new Sender([rig.key], NOW - 9 * DAY);
    forked.put('alpha', ALPHA);
    expect(await refusalOf(rig.take([(await forked.bundle()).whole]))).toMatch(/^rollback/);
    expect(await refusalOf(rig.take([(await forked.bundle()).whole]))).toMatch(/^mix-and-match: Another bundle 2/);
  });

  it('one that builds on a number that never came: the missing ones are named, and a resend heals', async () => {
    const { rig } = await withOne();
    rig.sender.put('beta', BETA);
    const second = await rig.sender.bundle({ since: 1 });
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const third = await rig.sender.bundle({ since: 2 });
    rig.sender.put('gamma', tinyWheel('gamma'));
    const fourth = await rig.sender.bundle({ since: 3 });
    expect(await refusalOf(rig.take([fourth.whole]))).toMatch(
      /^mix-and-match: .*builds on number 3.*Missing: numbers 2, 3/,
    );
    await stands(rig);
    await rig.take([second.whole]);
    await rig.take([third.whole]);
    await rig.take([fourth.whole]);
    expect((await rig.names('alpha')).length).toBe(2);
    expect(await rig.names('gamma')).toHaveLength(1);
  });

  it('a bit that is flipped anywhere', async () => {
    const { rig } = await withOne();
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const { whole, head, manifest } = await rig.sender.bundle({ since: 1 });
    // What a signature calls its key is a label, and nothing rests on it.
    const label = (at: number) => at > manifest.length && at < head.length;
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 60)) {
      if (label(at)) continue;
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      expect([at, await refusalOf(rig.take([damaged]))]).not.toEqual([at, 'nothing']);
    }
    await stands(rig);
    await rig.take([whole]);
    expect(await rig.names('alpha')).toHaveLength(2);
  });

  it('a bundle that ends early, and one with something behind its end', async () => {
    const { rig } = await withOne();
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const { whole } = await rig.sender.bundle({ since: 1 });
    for (let size = 512; size < whole.length; size += 1024)
      expect([size, await refusalOf(rig.take([whole.subarray(0, size)]))]).not.toEqual([size, 'nothing']);
    expect(await refusalOf(rig.take([Buffer.concat([whole, Buffer.alloc(512)])]))).toMatch(/^length/);
    await stands(rig);
  });

  it('a bundle of another index, of other evidence, and files that are none', async () => {
    const { rig } = await withOne();
    const named = (index: { name: string; evidence: 'tuf' | 'index'; rootSha256?: string }) =>
      rig.sender.bundle({ header: { index: { ...index, upstream: '' } } });
    expect(await refusalOf(rig.take([(await named({ name: 'other', evidence: 'index' })).whole]))).toMatch(/^foreign/);
    const signed = await named({ name: 'main', evidence: 'tuf', rootSha256: 'a'.repeat(64) });
    expect(await refusalOf(rig.take([signed.whole]))).toMatch(/^foreign/);
    expect(await refusalOf(rig.take([Buffer.from('no bundle')]))).toMatch(/^format/);
    expect(await refusalOf(rig.take([]))).toMatch(/^format/);
    await stands(rig);
  });
});
