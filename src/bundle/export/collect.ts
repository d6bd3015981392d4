import { type BundleBytes, compressed } from '../format/archive.ts';
import { DigestSet } from '../format/digest-set.ts';
import { encodeChange, encodeEntry } from '../format/manifest-lines.ts';
import { MemberPlaces } from '../format/members.ts';
import { type Entry, type Format, formatFor, hasKind } from '../format/model.ts';
import { copyInto } from './copy.ts';
import { Changes, differences } from './difference.ts';
import type { HeldItem, NotCarried } from './held.ts';
import type { GrowingFile, NewBundle } from './places.ts';
import { Report } from './report.ts';
import { SbomWriter } from './sbom.ts';
import { encodeStateLine, readStateLines, type StateLine } from './state-lines.ts';

export interface CollectOptions {
  readonly items: AsyncIterable<HeldItem>;
  readonly notCarried: NotCarried;
  /** What the state of the bundle it builds on consisted of; undefined for a complete one. */
  readonly base: BundleBytes | undefined;
  /** Contents that the far side says it has besides. */
  readonly received: DigestSet | undefined;
  readonly into: Pick<NewBundle, 'create' | 'scratch'>;
  readonly onItem: () => void;
}

/** What a bundle will have, before its bytes are read: lines of its manifest, and documents as they will be stored. */
export interface Collected {
  readonly entries: GrowingFile;
  readonly changes: GrowingFile;
  readonly sbom: GrowingFile;
  readonly documents: GrowingFile;
  /** Undefined where none are carried. */
  readonly advisories: GrowingFile | undefined;
  /** The oldest that has all that is carried. */
  readonly format: Format;
  readonly report: Report;
  readonly places: MemberPlaces;
  readonly counts: { readonly entries: number; readonly changes: number; readonly content: number };
}

/** Memory grows by a digest for each content and for each of the base. */
export async function collect(options: CollectOptions): Promise<Collected> {
  const { items, base, received, into, notCarried, onItem } = options;
  const collecting = new Collecting({
    entries: await into.scratch(),
    changes: await into.scratch(),
    sbom: await into.scratch(),
    documents: await into.create('documents'),
    held: await heldThere(base, received),
    advisories: () => into.create('advisories.zip'),
  });
  const state = await into.create('state.jsonl');
  const told = new Changes(notCarried.gone);
  for await (const difference of differences(linesOf(base), items)) {
    const { was, now } = difference;
    if (now !== undefined) {
      onItem();
      await state.append(encodeStateLine({ ...now.entry, mark: now.mark }));
      if (now.entry.sha256 !== was?.sha256) await collecting.add(now);
    }
    for (const change of told.of(difference)) {
      collecting.report.change(change);
      collecting.counts.changes++;
      await collecting.files.changes.append(encodeChange(change));
    }
  }
  await state.settle();
  const { entries, changes, sbom, documents } = collecting.files;
  const { counts, places, report, format, advisories } = collecting;
  return { entries, changes, sbom, documents, advisories, format, counts, places, report };
}

interface Files {
  readonly entries: GrowingFile;
  readonly changes: GrowingFile;
  readonly sbom: GrowingFile;
  readonly documents: GrowingFile;
  readonly held: DigestSet;
  readonly advisories: () => Promise<GrowingFile>;
}

class Collecting {
  readonly report = new Report();
  readonly places = new MemberPlaces();
  readonly counts = { entries: 0, changes: 0, content: 0 };
  format: Format = formatFor('page');
  advisories: GrowingFile | undefined;
  readonly files: Files;
  readonly #here = new DigestSet();
  readonly #sbom: SbomWriter;

  constructor(files: Files) {
    this.files = files;
    this.#sbom = new SbomWriter(files.sbom);
  }

  async add(item: HeldItem): Promise<void> {
    const entry = await this.#entry(item);
    this.counts.entries++;
    if (!hasKind(this.format, entry.kind)) this.format = formatFor(entry.kind);
    await this.files.entries.append(encodeEntry(entry));
    if (entry.bytes !== 'here') return;
    this.places.add(entry);
    this.counts.content += entry.size;
    if (entry.kind === 'target') this.report.target(entry);
    if (item.feed !== undefined) this.report.advisories(item.feed);
    if (entry.kind !== 'file') return;
    const licence = await item.release?.licence();
    this.report.file(item, licence);
    await this.#sbom.add(item, licence);
  }

  async #entry({ entry, content, feed }: HeldItem): Promise<Entry> {
    const { sha256 } = entry;
    if (feed !== undefined) {
      this.advisories = await this.files.advisories();
      await copyInto(this.advisories, feed.archive);
      return { ...entry, bytes: 'here' };
    }
    if (this.#here.has(sha256)) return { ...entry, bytes: 'above' };
    if (this.files.held.has(sha256)) return { ...entry, bytes: 'held' };
    this.#here.add(sha256);
    if (content === undefined) return { ...entry, bytes: 'here' };
    const bytes = await content();
    const packed = await compressed(bytes);
    const isSmaller = packed.byteLength < bytes.byteLength;
    await this.files.documents.append(isSmaller ? packed : bytes);
    return { ...entry, bytes: 'here', ...(isSmaller ? { coding: 'zstd', stored: packed.byteLength } : {}) };
  }
}

/** Everything that the far side has without this bundle. */
async function heldThere(base: BundleBytes | undefined, received: DigestSet | undefined): Promise<DigestSet> {
  const held = received ?? new DigestSet();
  if (base !== undefined) for await (const { sha256 } of readStateLines(base)) held.add(sha256);
  return held;
}

async function* linesOf(base: BundleBytes | undefined): AsyncGenerator<StateLine, void, undefined> {
  if (base !== undefined) yield* readStateLines(base);
}
