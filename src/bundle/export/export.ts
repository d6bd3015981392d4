import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { type BundleBytes, chunksOf } from '../format/archive.ts';
import type { DigestSet } from '../format/digest-set.ts';
import type { SigningKey } from '../format/keys.ts';
import { LIMITS } from '../format/limits.ts';
import { decodeEntry, encodeEntry } from '../format/manifest-lines.ts';
import type { Entry, Header } from '../format/model.ts';
import { memberBytes } from '../format/tar.ts';
import { type Collected, collect } from './collect.ts';
import { copyInto, digestOfFile } from './copy.ts';
import { finish } from './finish.ts';
import type { HeldItem, NotCarried } from './held.ts';
import { cutInto } from './pieces.ts';
import type { BundleOutput, ExportHistory, GrowingFile, NewBundle, RememberedBundle } from './places.ts';
import { sbomFrame } from './sbom.ts';
import { headBytes, type ManifestParts, needed, readRemembered, writeBody, writeManifest } from './write.ts';

/** Bundles that are remembered of an index: the oldest gives way. */
export const REMEMBERED_MOST = 64;

export interface ExportRequest {
  readonly index: Header['index'];
  readonly items: AsyncIterable<HeldItem>;
  readonly notCarried: NotCarried;
  readonly storage: Pick<BlobStorage, 'open'>;
  readonly history: ExportHistory;
  readonly keys: readonly SigningKey[];
  /** Asked once everything was looked at: the time of what is carried. */
  readonly stateAt: () => Promise<Instant>;
  readonly selection: readonly string[] | undefined;
  readonly maxAgeDays: number | undefined;
  readonly announced: Header['keys'];
  /** The bundle to build on; undefined for a complete one. */
  readonly since: number | undefined;
  /** Contents that the far side says it holds, whatever it has them from; undefined where it said nothing. */
  readonly received?: DigestSet | undefined;
  /** Most bytes of one file. */
  readonly pieceSize: number | undefined;
  readonly onProgress: (progress: Progress) => void;
  /** Called when it is written down, under the history's directory, which contents will be read. */
  readonly onCollected?: (() => Promise<void>) | undefined;
  /** Told how many bytes it has, before the first byte of a file is read; throws where that is too much. */
  readonly onSized?: ((bytes: number) => Promise<void>) | undefined;
}

export type Progress =
  | { readonly phase: 'looking'; readonly items: number }
  | { readonly phase: 'writing'; readonly bytes: number; readonly of: number };

export interface Exported {
  readonly header: Header;
  readonly manifestSha256: string | undefined;
  readonly signed: boolean;
  /** Files that the bundle consists of. */
  readonly pieces: number;
  readonly bytes: number;
  /** Where it lies; undefined where it was only tried. */
  readonly path: string | undefined;
}

/** Makes the next bundle of an index. Without `output` it only says what that would be. Throws Refusal; then nothing is visible and no number is taken. */
export async function exportBundle(request: ExportRequest, output: BundleOutput | undefined): Promise<Exported> {
  let chain: Chain | undefined;
  let made: NewBundle | undefined;
  try {
    chain = await chainOf(request);
    made = await request.history.begin();
    return await make(request, chain, made, output);
  } catch (error) {
    await made?.discard();
    await output?.discard();
    throw error;
  } finally {
    await chain?.base?.close();
  }
}

interface Chain {
  readonly number: number;
  readonly previous: string | undefined;
  readonly base: RememberedBundle | undefined;
  readonly names: Header['base'];
}

/** Which number this one has, and what it builds on. */
async function chainOf({ history, since }: ExportRequest): Promise<Chain> {
  const numbers = await history.numbers();
  const last = numbers.at(-1) ?? 0;
  if (last >= LIMITS.number) throw new Refusal('limit', `A bundle has a number up to ${LIMITS.number}.`);
  const previous = await digestOf(history, last);
  if (since === undefined) return { number: last + 1, previous, base: undefined, names: undefined };
  const base = await history.open(since);
  if (base === undefined)
    throw new Refusal('unlisted', `Bundle ${since} is not remembered here: ${remembered(numbers)}.`, {
      subject: 'request',
    });
  try {
    const { sha256: manifest } = await readRemembered(base);
    return { number: last + 1, previous, base, names: { number: since, manifest } };
  } catch (error) {
    await base.close();
    throw error;
  }
}

function remembered(numbers: readonly number[]): string {
  return numbers.length === 0 ? 'none is' : `there are ${numbers[0]} to ${numbers.at(-1)}`;
}

async function digestOf(history: ExportHistory, number: number): Promise<string | undefined> {
  if (number === 0) return undefined;
  const bundle = await history.open(number);
  if (bundle === undefined)
    throw new Refusal('state', `Bundle ${number} is gone from the history.`, { subject: 'state' });
  try {
    return (await readRemembered(bundle)).sha256;
  } finally {
    await bundle.close();
  }
}

async function make(
  request: ExportRequest,
  chain: Chain,
  made: NewBundle,
  output: BundleOutput | undefined,
): Promise<Exported> {
  const { keys, storage, history, pieceSize, onProgress } = request;
  let items = 0;
  const collected = await collect({
    ...request,
    base: chain.base && needed(chain.base, 'state.jsonl'),
    received: request.received,
    into: made,
    onItem: () => onProgress({ phase: 'looking', items: ++items }),
  });
  await request.onCollected?.();
  const documents = await describe(request, chain, collected, made);
  const parts = partsOf(request, collected, documents);
  const { body } = parts.header.totals;
  const cut = cutInto(body, pieceSize, (sizes) => headBytes(parts, sizes));
  const totals = { ...parts.header.totals, pieces: cut.sizes.length };
  const head = headBytes(parts, cut.sizes);
  const result = { header: { ...parts.header, totals }, signed: keys.length > 0, bytes: head + body };
  const pieces = cut.isWhole ? 1 : cut.sizes.length + 1;
  if (output === undefined) {
    await made.discard();
    return { ...result, pieces, manifestSha256: undefined, path: undefined };
  }
  await request.onSized?.(head + body);
  let bytes = 0;
  const written = await writeBody(
    entriesIn(parts.lines),
    { ...documents, documents: collected.documents, advisories: collected.advisories, storage },
    { output, cut, headBytes: head },
    (more) => {
      bytes += more;
      onProgress({ phase: 'writing', bytes, of: body });
    },
  );
  const manifest = await writeManifest(parts, written.pieces, made);
  await finish({
    output,
    made,
    keys,
    head: written.head,
    pieces: cut.isWhole ? 0 : cut.sizes.length,
    ...manifest,
    ...documents,
  });
  if (!(await made.commit(chain.number)))
    throw new Refusal('state', `Another export took the number ${chain.number}. Run it again.`, {
      subject: 'state',
      transient: true,
    });
  const path = await output.commit();
  for (const old of (await history.numbers()).slice(0, -REMEMBERED_MOST)) await history.forget(old);
  return { ...result, pieces, manifestSha256: manifest.sha256, path };
}

interface Documents {
  readonly header: Omit<Header, 'totals'>;
  readonly report: GrowingFile;
  readonly sbom: GrowingFile;
  readonly entries: readonly [Entry, Entry];
}

/** The header without its totals, and what people read, which says the same. */
async function describe(
  request: ExportRequest,
  chain: Chain,
  collected: Collected,
  made: NewBundle,
): Promise<Documents> {
  const { index, maxAgeDays, selection, announced, notCarried } = request;
  const { number, previous, names } = chain;
  const stateAt = await request.stateAt();
  const header: Documents['header'] = {
    format: collected.format,
    index,
    number,
    ...(previous === undefined ? {} : { previous }),
    ...(names === undefined ? {} : { base: names }),
    stateAt: instantText(stateAt),
    referenceTime: instantText(stateAt),
    policy: maxAgeDays === undefined ? {} : { maxAgeDays },
    ...(selection === undefined ? {} : { selection: [...selection] }),
    keys: [...announced],
  };
  const report = await made.create('report.txt');
  await report.append(Buffer.from(collected.report.text(header, stateAt, notCarried)));
  const sbom = await made.create('sbom.cdx.json');
  const { before, after } = sbomFrame({ index: index.name, number, stateAt });
  await sbom.append(before);
  await copyInto(sbom, collected.sbom);
  await sbom.append(after);
  return { header, report, sbom, entries: [await entryOf('report', report), await entryOf('sbom', sbom)] };
}

async function entryOf(kind: 'report' | 'sbom', file: BundleBytes): Promise<Entry> {
  return { kind, size: file.size, sha256: await digestOfFile(file), bytes: 'here' };
}

function partsOf(
  { keys }: ExportRequest,
  { places, counts, entries, changes }: Collected,
  { header, entries: own }: Documents,
): ManifestParts {
  const bytes = own.reduce((sum, { size }) => sum + size, 0);
  const totals = {
    entries: counts.entries + own.length,
    members: places.count + own.length,
    content: counts.content + bytes,
    body: places.body + own.reduce((sum, { size }) => sum + memberBytes(size), 0),
    changes: counts.changes,
  };
  return {
    header: { ...header, totals },
    lines: [inMemory(Buffer.concat(own.map(encodeEntry))), entries, changes],
    keys,
  };
}

function inMemory(bytes: Buffer): BundleBytes {
  return {
    size: bytes.length,
    read: async (into, position) => bytes.copy(into, 0, position),
  };
}

/** Of the lines of a manifest that are entries. */
async function* entriesIn([own, others]: readonly BundleBytes[]): AsyncGenerator<Entry, void, undefined> {
  for (const file of [own, others]) {
    if (file === undefined) continue;
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of chunksOf(file, 0, file.size)) {
      const bytes = Buffer.concat([rest, chunk]);
      let from = 0;
      for (let end = bytes.indexOf('\n'); end !== -1; end = bytes.indexOf('\n', from)) {
        yield decodeEntry(bytes.subarray(from, end));
        from = end + 1;
      }
      rest = bytes.subarray(from);
    }
  }
}
