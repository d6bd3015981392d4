import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportAgain } from '../../src/bundle/export/again.ts';
import { type ExportRequest, exportBundle } from '../../src/bundle/export/export.ts';
import { type HeldItem, NotCarried } from '../../src/bundle/export/held.ts';
import { makeKey, openKey, type SigningKey } from '../../src/bundle/format/keys.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { BundleOutput } from '../../src/disk/bundles/bundle-output.ts';
import { ExportHistory } from '../../src/disk/bundles/export-history.ts';
import { type FileOps, nodeFileOps } from '../../src/disk/file-ops.ts';
import { faultyOps, systemError } from '../support/faults.ts';

// An export that ends at any of its steps leaves nothing that is half a bundle, and the next one is not in its way.

const NAME = 'main-000001';
const FILE = Buffer.alloc(200_000, 'a wheel ');
const PAGE = Buffer.from('{"files":[]}'.repeat(50));

let scratch: string;
let key: SigningKey;
/** Every file of the bundle that an export makes which nothing disturbs. */
let whole: ReadonlyMap<string, string>;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-export-kill-'));
  key = await openKey(Buffer.from((await makeKey(undefined)).privateFile), async () => undefined);
  const { place, data } = await room();
  await run(nodeFileOps, place, data);
  whole = await filesIn(join(place, NAME));
});
afterAll(() => rm(scratch, { recursive: true }));

async function room(): Promise<{ readonly place: string; readonly data: string }> {
  const directory = await mkdtemp(join(scratch, 'one-'));
  const [place, data] = [join(directory, 'place'), join(directory, 'data')];
  await mkdir(place);
  await mkdir(data);
  return { place, data };
}

async function* items(): AsyncGenerator<HeldItem> {
  yield {
    entry: {
      kind: 'page',
      project: 'demo',
      url: 'https://index.example/demo/',
      size: PAGE.length,
      sha256: sha256Hex(PAGE),
    },
    content: async () => PAGE,
  };
  yield { entry: { kind: 'file', project: 'demo', name: 'demo-1.whl', size: FILE.length, sha256: sha256Hex(FILE) } };
}

const storage: ExportRequest['storage'] = {
  open: async () => ({
    size: FILE.length,
    version: '',
    read: async (into, position) => FILE.copy(into, 0, position),
    close: async () => {},
  }),
};

async function run(ops: FileOps, place: string, data: string): Promise<void> {
  const request: ExportRequest = {
    index: { name: 'main', evidence: 'index', upstream: 'https://index.example/' },
    items: items(),
    notCarried: new NotCarried(),
    storage,
    history: new ExportHistory(ops, data, 'main'),
    keys: [key],
    stateAt: async () => 1_800_000_000,
    selection: undefined,
    maxAgeDays: undefined,
    announced: [],
    since: undefined,
    pieceSize: 65_536,
    onProgress: () => {},
  };
  await exportBundle(request, await BundleOutput.begin(ops, place, NAME));
}

async function filesIn(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(directory)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, sha256Hex(await readFile(join(directory, name)))] as const)),
  );
}

const visible = async (place: string) => (await readdir(place)).filter((name) => !name.startsWith('.'));

/** Fails at the step of this number; `forever`: and at every later one, as when the process is gone. */
function failing(at: number, code: string, forever: boolean): { readonly ops: FileOps; readonly steps: () => number } {
  let steps = 0;
  const changes = new Set([
    'open-new',
    'write',
    'sync',
    'rename',
    'unlink',
    'remove-tree',
    'make-directory',
    'sync-directory',
  ]);
  const before = ({ kind }: { readonly kind: string }) => {
    if (!changes.has(kind)) return;
    steps++;
    if (steps === at || (forever && steps > at)) throw systemError(code);
  };
  return { ops: faultyOps({ before }), steps: () => steps };
}

it.each([
  ['is killed', 'EKILLED', true],
  ['finds no room', 'ENOSPC', false],
] as const)(
  'an export that %s at any of its steps shows nothing or all',
  async (_, code, forever) => {
    const counting = failing(Number.POSITIVE_INFINITY, code, false);
    const first = await room();
    await run(counting.ops, first.place, first.data);
    expect(counting.steps()).toBeGreaterThan(30);
    for (let at = 1; at <= counting.steps(); at++) {
      const { place, data } = await room();
      await run(failing(at, code, forever).ops, place, data).catch(() => undefined);
      const history = new ExportHistory(nodeFileOps, data, 'main');
      const numbers = await history.numbers();
      const shown = await visible(place);
      expect([[], [NAME]], `step ${at}`).toContainEqual(shown);
      // What is visible has its number, and is whole.
      if (shown.length > 0) {
        expect(numbers, `step ${at}`).toEqual([1]);
        expect(await filesIn(join(place, NAME))).toEqual(whole);
        continue;
      }
      if (numbers.length === 0) await run(nodeFileOps, place, data);
      else
        await exportAgain(
          { number: 1, history, storage, onProgress: () => {} },
          await BundleOutput.begin(nodeFileOps, place, NAME),
        );
      expect(await filesIn(join(place, NAME)), `step ${at}`).toEqual(whole);
    }
  },
  120_000,
);
