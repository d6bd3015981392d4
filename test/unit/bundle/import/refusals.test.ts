import { beforeAll, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../../src/bundle/format/keys.ts';
import type { Entry, Header } from '../../../../src/bundle/format/model.ts';
import { rowsOf } from '../../../../src/bundle/import/generation-table.ts';
import { judge, type Site } from '../../../../src/bundle/import/judge.ts';
import { Line } from '../../../../src/bundle/import/line.ts';
import { lookInto } from '../../../../src/bundle/import/look.ts';
import { findBody, type ReadBundle, readBundle } from '../../../../src/bundle/import/opened.ts';
import { stage } from '../../../../src/bundle/import/stage.ts';
import type { ContentStore } from '../../../../src/bundle/import/store.ts';
import { decodedRows, Removed } from '../../../../src/bundle/import/table.ts';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { existing } from '../../../../src/bytes/existing.ts';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import type { Candidate } from '../../../../src/mirror/package-index.ts';
import type { Blob } from '../../../../src/ports/blob.ts';
import type { CarriedGeneration } from '../../../../src/ports/carried.ts';
import { bytesOf, type Content, type MadeBundle, makeBundle } from '../../../support/bundles.ts';
import { START } from '../../../support/clock.ts';
import { signingKey } from '../../../support/sender.ts';
import { SOMEBODY } from '../../upstream/setup.ts';

const refusal = (reason: string, message: RegExp = /./) =>
  expect.objectContaining({ reason, message: expect.stringMatching(message) });
const digest = (text: string) => sha256Hex(Buffer.from(text));
const content = (kind: 'page' | 'file' | 'core-metadata', name?: string): Content => ({
  kind,
  project: 'alpha',
  ...(kind === 'page' ? { url: 'https://index.example/simple/alpha/' } : { name }),
  content: Buffer.from(`${kind} ${name}`),
});
const PAGE = content('page');
const CONTENTS = [PAGE, content('file', 'alpha-1.whl'), content('core-metadata', 'alpha-1.whl')];

let key: SigningKey;
beforeAll(async () => {
  key = await signingKey();
});

async function read(made: MadeBundle, bytes: Buffer = made.whole): Promise<ReadBundle> {
  return existing(await readBundle({ name: 'bundle.tar', bytes: bytesOf(bytes) }), 'it is a bundle');
}

describe('a bundle that is judged', () => {
  const signed = async (header: Partial<Header>) => read(await makeBundle({ header, contents: [], keys: [key] }));
  const generation: CarriedGeneration = {
    number: 1,
    manifest: digest('number 1'),
    table: { sha256: digest('table'), size: 1 },
    key: { name: 'outside', public: '' },
    stateAt: START,
    importedAt: START,
    scan: undefined,
  };
  const site = (changes: Partial<Site> = {}): Site => ({
    index: 'main',
    evidence: 'index',
    keys: [{ name: 'outside', public: key.public }],
    carried: { generations: [generation], floor: 1, reference: undefined, maxAgeDays: undefined, announced: [] },
    now: START,
    ...changes,
  });
  const second = (changes: Partial<Header> = {}): Partial<Header> => ({
    number: 2,
    previous: generation.manifest,
    stateAt: '2026-01-02T03:04:05Z',
    ...changes,
  });

  it('is taken where it follows what is here', async () => {
    expect(judge(await signed(second()), site()).key?.name).toBe('outside');
  });

  it('is refused where it follows another bundle of the number before it', async () => {
    const other = await signed(second({ previous: digest('another number 1') }));
    expect(() => judge(other, site())).toThrow(refusal('mix-and-match', /follows another number 1/));
  });

  it('is refused where it carries an older state under a newer number', async () => {
    const older = await signed(second({ stateAt: '2025-12-31T00:00:00Z' }));
    expect(() => judge(older, site())).toThrow(refusal('rollback', /older state/));
  });

  it('of a signed index is refused where its signature is none, and counts for nothing where it is a stranger’s', async () => {
    const index = { name: 'main', evidence: 'tuf', rootSha256: digest('root'), upstream: '' } as const;
    const bundle = await signed({ index });
    const strange = site({ evidence: 'tuf', keys: [], carried: undefined });
    expect(judge(bundle, strange)).toMatchObject({ key: undefined, unbelieved: expect.any(String) });
    const broken: ReadBundle = { ...bundle, seal: Buffer.from('no signature') };
    expect(() => judge(broken, strange)).toThrow(refusal('format'));
  });
});

describe('a bundle that is looked into', () => {
  /** What this site proves, in the words of its own evidence. */
  const candidate = (proved: { page?: string; file?: string; metadata?: string }): Candidate => {
    const sha256 = (kind: Entry['kind'], text: string | undefined) =>
      digest(text ?? `${kind} ${kind === 'page' ? undefined : 'alpha-1.whl'}`);
    const coreMetadata = new Map([['sha256', sha256('core-metadata', proved.metadata)]]);
    const listing = {
      project: 'alpha',
      listing: { files: new Map([['alpha-1.whl', { entry: { coreMetadata } }]]) },
      believed: { source: { sha256: sha256('page', proved.page) } },
    } as object as Awaited<ReturnType<Candidate['listing']>>;
    return {
      listing: async () => listing,
      open: async () => ({ sha256: sha256('file', proved.file) }) as Blob,
    } as Partial<Candidate> as Candidate;
  };
  const look = async (proved: Parameters<typeof candidate>[0]) =>
    lookInto(await read(await makeBundle({ contents: CONTENTS })), candidate(proved), SOMEBODY, async () => {});

  it('is what its evidence says', async () => {
    expect(await look({})).toEqual({ pages: 1, files: 1, targets: 0, heldBack: [] });
  });

  it.each([
    ['page', { page: 'another' }],
    ['file', { file: 'another' }],
    ['core metadata', { metadata: 'another' }],
  ])('is refused where its %s is another than its evidence says', async (_, proved) => {
    await expect(look(proved)).rejects.toEqual(refusal('mix-and-match'));
  });
});

describe('a bundle that is opened', () => {
  it('and ends within its head is told from a file that is no bundle', async () => {
    const { whole } = await makeBundle({ contents: CONTENTS });
    const opened = (bytes: Buffer) => readBundle({ name: 'given.tar', bytes: bytesOf(bytes) });
    await expect(opened(whole.subarray(0, 700))).rejects.toEqual(refusal('truncated', /^given\.tar: /));
    expect(await opened(whole.subarray(512))).toBeUndefined();
  });

  it('has nothing behind its last member, in pieces as well', async () => {
    const made = await makeBundle({ contents: CONTENTS, pieceSize: 2048 });
    const last = Buffer.from(existing(made.pieces.at(-1), 'there are pieces'));
    const given = async (piece: Buffer) => {
      const manifest = made.manifest.toString().replace(sha256Hex(last), sha256Hex(piece));
      const head = Buffer.from(made.head);
      head.write(manifest, 512);
      const pieces = made.pieces.with(-1, piece).map((bytes) => ({ name: 'piece', bytes: bytesOf(bytes) }));
      return findBody(await read(made, head), pieces);
    };
    expect((await given(last)).missing).toEqual([]);
    const more = Buffer.from(last);
    more[more.length - 1] = 1;
    await expect(given(more)).rejects.toEqual(refusal('format'));
  });
});

describe('contents that are taken', () => {
  const taking = async (pieceSize: number | undefined, error: Refusal) => {
    const made = await makeBundle({ contents: CONTENTS, pieceSize });
    const store = { stage: () => Promise.reject(error) } as Partial<ContentStore> as ContentStore;
    return stage(await read(made), bytesOf(made.body), store);
  };

  it('name the piece in which damage lies, where there are several', async () => {
    const damage = new Refusal('digest', 'Damaged.');
    await expect(taking(2048, damage)).rejects.toThrow('It lies in piece 1');
    await expect(taking(undefined, damage)).rejects.toBe(damage);
  });

  it('name no piece where there is no room', async () => {
    const full = new Refusal('limit', 'Full.');
    await expect(taking(2048, full)).rejects.toBe(full);
  });

  it('end with the first that fails: nothing more is begun', async () => {
    const line = new Line(1);
    const failure = new Error('the first');
    await line.run(() => Promise.reject(failure));
    let begun = false;
    const next = line.run(async () => {
      begun = true;
    });
    await expect(next).rejects.toBe(failure);
    expect(begun).toBe(false);
  });
});

describe('the table of what was imported', () => {
  it('is refused where it is gone, and where its last line is cut', async () => {
    const store = { content: async () => undefined } as Partial<ContentStore> as ContentStore;
    await expect(rowsOf({ store, caller: SOMEBODY }, { sha256: digest('table'), size: 1 }).next()).rejects.toEqual(
      refusal('state'),
    );
    const cut = async function* () {
      yield Buffer.from('{"kind":');
    };
    await expect(decodedRows(cut()).next()).rejects.toEqual(refusal('state'));
  });

  it('loses what was removed or left out, and nothing else', () => {
    const removed = new Removed();
    const row = (project: string | undefined): Entry => ({
      kind: project === undefined ? 'list' : 'page',
      ...(project === undefined ? {} : { project }),
      size: 1,
      sha256: digest(''),
      bytes: 'held',
    });
    expect(removed.has(row('a'))).toBe(false);
    for (const change of ['yanked', 'unyanked', 'quarantined', 'unquarantined'] as const)
      expect([removed.add({ change, project: 'a' }), removed.has(row('a'))]).toEqual([false, false]);
    for (const [project, change] of [
      ['a', 'removed'],
      ['b', 'left-out'],
      ['undefined', 'removed'],
    ] as const)
      expect([removed.add({ change, project }), removed.has(row(project))]).toEqual([true, true]);
    // A list is of no project, whatever one is called.
    expect([removed.has(row(undefined)), removed.has(row('c')), removed.size]).toEqual([false, false, 3]);
  });
});
