import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type Exported,
  type ExportRequest,
  exportBundle,
  REMEMBERED_MOST,
} from '../../../../src/bundle/export/export.ts';
import { type HeldItem, NotCarried } from '../../../../src/bundle/export/held.ts';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { BundleOutput } from '../../../../src/disk/bundles/bundle-output.ts';
import { ExportHistory } from '../../../../src/disk/bundles/export-history.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';

// What later bundles cost, and what is remembered of earlier ones.

const PROJECTS = 100;
const FILES_EACH = 20;
const FILE_BYTES = 20_000;

let directory: string;
let history: ExportHistory;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-increment-'));
  for (const name of ['data', 'place']) await mkdir(join(directory, name));
  history = new ExportHistory(nodeFileOps, join(directory, 'data'), 'main');
});
afterEach(() => rm(directory, { recursive: true }));

const contents = new Map<string, Buffer>();
function stored(text: string, size: number): { readonly size: number; readonly sha256: string } {
  const bytes = Buffer.alloc(size, text);
  const sha256 = sha256Hex(bytes);
  contents.set(sha256, bytes);
  return { size, sha256 };
}

/** `changed`: how many of the files are other ones than before; their pages say so. */
async function* items(projects: number, changed: number): AsyncGenerator<HeldItem> {
  for (let at = 0; at < projects; at++) {
    const project = `p${String(at).padStart(3, '0')}`;
    const edition = at * FILES_EACH < changed ? 'new' : 'old';
    const page = Buffer.from(`${project} ${edition} `.repeat(500));
    const about = { size: page.length, sha256: sha256Hex(page) };
    const entry = { kind: 'page', project, url: 'https://index.example/', ...about } as const;
    yield { entry, content: async () => page, lists: () => true };
    for (let file = 0; file < FILES_EACH; file++) {
      const name = `${project}-${String(file).padStart(2, '0')}.whl`;
      yield { entry: { kind: 'file', project, name, ...stored(`${name} ${edition}`, FILE_BYTES) } };
    }
  }
}

const storage: ExportRequest['storage'] = {
  open: async (sha256) => {
    const bytes = contents.get(sha256);
    if (bytes === undefined) return undefined;
    const read = async (into: Uint8Array, position: number) => bytes.copy(into, 0, position);
    return { size: bytes.length, version: '', read, close: async () => {} };
  },
};

async function made(what: Pick<ExportRequest, 'items' | 'since'>, name: string): Promise<Exported> {
  const request: ExportRequest = {
    ...what,
    index: { name: 'main', evidence: 'index', upstream: 'https://index.example/' },
    notCarried: new NotCarried(),
    storage,
    history,
    keys: [],
    stateAt: async () => 1_800_000_000,
    selection: undefined,
    maxAgeDays: undefined,
    announced: [],
    pieceSize: undefined,
    onProgress: () => {},
  };
  return exportBundle(request, await BundleOutput.begin(nodeFileOps, join(directory, 'place'), name));
}

async function bytesIn(name: string): Promise<number> {
  const path = join(directory, 'place', name);
  const sizes = await Promise.all((await readdir(path)).map(async (each) => (await stat(join(path, each))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

it('a bundle after a change of one file in a hundred has about a hundredth of the bytes of a complete one', async () => {
  const files = PROJECTS * FILES_EACH;
  await made({ items: items(PROJECTS, 0), since: undefined }, 'complete');
  const { header } = await made({ items: items(PROJECTS, files / 100), since: 1 }, 'increment');
  expect(header.totals).toMatchObject({ entries: files / 100 + 1 + 2, changes: 0 });
  expect((await bytesIn('increment')) / (await bytesIn('complete'))).toBeLessThan(0.015);
});

it('a damaged store ends an export, and names what is damaged', async () => {
  const { sha256 } = stored('a wheel', FILE_BYTES);
  const listed = async function* (): AsyncGenerator<HeldItem> {
    yield { entry: { kind: 'file', project: 'p', name: 'p.whl', size: FILE_BYTES, sha256 } };
  };
  const refused = () => expect(made({ items: listed(), since: undefined }, 'one')).rejects;
  contents.set(sha256, Buffer.alloc(FILE_BYTES, 'something else'));
  await refused().toMatchObject({ reason: 'digest', message: expect.stringContaining(sha256) });
  contents.set(sha256, Buffer.alloc(FILE_BYTES + 1));
  await refused().toMatchObject({ reason: 'length', message: expect.stringContaining('p.whl') });
  contents.delete(sha256);
  await refused().toMatchObject({ reason: 'state', message: expect.stringContaining(sha256) });
  expect(await readdir(join(directory, 'place'))).toEqual([]);
  expect(await history.numbers()).toEqual([]);
});

it('remembers the latest bundles, and the oldest gives way', async () => {
  for (let number = 1; number <= REMEMBERED_MOST + 2; number++)
    await made({ items: items(1, 0), since: undefined }, `number-${number}`);
  const numbers = await history.numbers();
  expect([numbers.length, numbers.at(0), numbers.at(-1)]).toEqual([REMEMBERED_MOST, 3, REMEMBERED_MOST + 2]);
  await expect(made({ items: items(1, 0), since: 2 }, 'late')).rejects.toMatchObject({ reason: 'unlisted' });
});

it('of two exports at once one takes the number, and the other shows nothing', async () => {
  const both = await Promise.allSettled([
    made({ items: items(1, 0), since: undefined }, 'a'),
    made({ items: items(1, 0), since: undefined }, 'b'),
  ]);
  const failed = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(failed).toMatchObject([{ reason: 'state' }]);
  expect(await readdir(join(directory, 'place'))).toHaveLength(1);
  expect(await history.numbers()).toEqual([1]);
});
