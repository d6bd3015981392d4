import { existing } from '../../bytes/existing.ts';
import { type Instant, parseInstant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Carried, CarriedGeneration, ContentName } from '../../ports/carried.ts';
import type { Known } from '../../ports/index-state.ts';
import type { BundleBytes } from '../format/archive.ts';
import { type Entry, timeOf } from '../format/model.ts';
import { besideIn } from './beside.ts';
import { rehearsedFeed, takeFeed } from './carried-feed.ts';
import { rehearsedPublishers, takePublishers } from './carried-publishers.ts';
import { refuseMissing, refuseNoRoom, removedBy } from './counted-on.ts';
import { healTable, rowsOf, writeTable } from './generation-table.ts';
import { type Judged, judge } from './judge.ts';
import { Line } from './line.ts';
import { type LookedInto, lookInto } from './look.ts';
import { readRoles } from './metadata.ts';
import { findBody, type GivenFile, missingPieces, type ReadBundle, readBundle } from './opened.ts';
import type { Imported, ImportPlace, ImportRequest } from './place.ts';
import { readThrough, type Staged, stage } from './stage.ts';
import type { ContentStore } from './store.ts';
import type { Removed } from './table.ts';

/** A sender's clock may be ahead of ours by so much. Seconds. */
const SKEW = 300;
/** Contents that wait for the disk together. */
const SYNCED_AT_ONCE = 256;

/** Imports one bundle. Throws Refusal: then nothing of it is believed, and what was believed before is served on. */
export async function importBundle(place: ImportPlace, { files, dryRun, asOf }: ImportRequest): Promise<Imported> {
  const { bundle, others } = await oneBundle(files);
  const known = await place.carried.read();
  const judged = judge(bundle, { ...place.site, carried: known?.value, now: place.now() });
  const reference = referenceOf(judged, asOf, place);
  if (reference !== undefined && !judged.isHere) place.refuseReference(reference);
  const found = await findBody(bundle, others);
  if (found.body === undefined) throw missingPieces(bundle, found);
  await refuseNoRoom(bundle, place);
  const removed = await removedBy(judged);
  const about = aboutOf(judged, reference, removed.size);
  if (dryRun) return rehearsed(place, judged, found.body, about);
  const staged = await stage(bundle, found.body, place.store, place.onProgress);
  await refuseMissing(judged, place);
  if (judged.isHere) await healTable(place, judged, known?.value, removed);
  if (judged.isHere) {
    const isNewest = known?.value.generations.at(-1)?.manifest === bundle.manifest.sha256;
    const beside = await takeBeside(place, judged, isNewest);
    return { ...about, ...tallyOf(staged), pages: 0, files: 0, targets: 0, heldBack: [], scan: undefined, ...beside };
  }
  return publish(place, { judged, known, reference, removed, staged, about });
}

type About = Omit<
  Imported,
  'contents' | 'bytes' | 'there' | 'pages' | 'files' | 'targets' | 'heldBack' | 'scan' | 'advisories' | 'publishers'
>;

interface Proving {
  readonly judged: Judged;
  readonly known: Known<Carried> | undefined;
  readonly reference: Instant | undefined;
  readonly removed: Removed;
  readonly staged: Staged;
  readonly about: About;
}

/** The table, each page and file by its evidence, and then the one switch. */
async function publish(place: ImportPlace, proving: Proving): Promise<Imported> {
  const { judged, reference, removed, staged, about } = proving;
  const { bundle } = judged;
  const table = await writeTable(place, judged, removed);
  const scanning = place.scanner && { version: await place.scanner.version(), files: 0 };
  const generation = generationOf(judged, table, place.now());
  let looked: LookedInto | undefined;
  const onFile = async (entry: Entry, blob: Blob): Promise<void> => {
    if (scanning === undefined || place.scanner === undefined || entry.bytes === 'held') return;
    await place.scanner.scan(entry.name ?? '', blob);
    scanning.files++;
  };
  const metadata = await readRoles(rowsOf(place, table), place.store);
  await place.index.take({
    from: { metadata: () => metadata, upstream: place.upstream },
    generation,
    asOf: reference,
    look: async (candidate) => {
      looked = await lookInto(bundle, candidate, place.caller, onFile);
      // What is believed from now on outlasts a power cut.
      await durable(bundle, place.store, table);
    },
  });
  await remember(place, { ...generation, scan: scanning }, proving);
  await place.index.adopt();
  const all = existing(looked, 'a bundle was taken that nobody looked into');
  const beside = await takeBeside(place, judged, true);
  return { ...about, reference, ...tallyOf(staged), ...all, scan: scanning, ...beside };
}

/** What a bundle carries beside the index. */
async function takeBeside(
  place: ImportPlace,
  judged: Judged,
  isNewest: boolean,
): Promise<Pick<Imported, 'advisories' | 'publishers'>> {
  const { advisories, publishers } = await besideIn(judged.bundle);
  return {
    advisories: advisories && (await takeFeed(place, judged, advisories, isNewest)),
    publishers: publishers && (await takePublishers(place, judged, publishers, isNewest)),
  };
}

/** Only one of the files given has a manifest: each import is one bundle. */
async function oneBundle(
  files: readonly GivenFile[],
): Promise<{ readonly bundle: ReadBundle; readonly others: readonly GivenFile[] }> {
  const bundles: ReadBundle[] = [];
  for (const file of files) {
    const bundle = await readBundle(file);
    if (bundle !== undefined) bundles.push(bundle);
  }
  const [bundle, another] = bundles;
  if (bundle === undefined)
    throw new Refusal('format', 'None of these files begins as a bundle does: its first piece is missing.', {
      subject: 'request',
    });
  if (another !== undefined && another.manifest.sha256 !== bundle.manifest.sha256)
    throw new Refusal('format', 'These are files of several bundles: import one after the other.', {
      subject: 'request',
    });
  return { bundle, others: files.filter((file) => file !== bundle.file) };
}

/** The operator's word first; a manifest's counts where its signature is believed. */
function referenceOf({ bundle, key }: Judged, asOf: Instant | undefined, { now }: ImportPlace): Instant | undefined {
  if (asOf !== undefined || key === undefined) return asOf;
  const stamped = timeOf(bundle.header.referenceTime);
  return stamped > now() && stamped - now() <= SKEW ? now() : stamped;
}

/** Nothing is stored: members are read and hashed, what is counted on is looked for, and pages and files are left to a real run. */
async function rehearsed(place: ImportPlace, judged: Judged, body: BundleBytes, about: About): Promise<Imported> {
  await readThrough(judged.bundle, body);
  await refuseMissing(judged, place);
  const seen = { contents: 0, bytes: 0, there: 0, pages: 0, files: 0, targets: 0 };
  for await (const given of judged.bundle.lines()) {
    if (given.line !== 'entry') continue;
    const { entry } = given;
    if (entry.kind === 'page') seen.pages++;
    if (entry.kind === 'file') seen.files++;
    if (entry.kind === 'target') seen.targets++;
    if (entry.bytes !== 'here') continue;
    if (await place.store.has(entry)) seen.there++;
    else {
      seen.contents++;
      seen.bytes += entry.size;
    }
  }
  const beside = await besideIn(judged.bundle);
  const advisories = beside.advisories && rehearsedFeed(place, judged, beside.advisories);
  const publishers = beside.publishers && rehearsedPublishers(judged);
  return { ...about, ...seen, heldBack: [], scan: undefined, advisories, publishers };
}

/** Many wait for the disk at once, so that they share what is written to it. */
async function durable(bundle: ReadBundle, store: ContentStore, table: ContentName): Promise<void> {
  const line = new Line(SYNCED_AT_ONCE);
  for await (const given of bundle.lines())
    if (given.line === 'entry' && given.entry.bytes === 'here') await line.run(() => store.sync(given.entry.sha256));
  await line.run(() => store.sync(table.sha256));
  await line.empty();
}

function generationOf({ bundle, key }: Judged, table: ContentName, importedAt: Instant): CarriedGeneration {
  const { number, stateAt } = bundle.header;
  const { sha256: manifest } = bundle.manifest;
  return { number, manifest, table, key, stateAt: timeOf(stateAt), importedAt, scan: undefined };
}

/** One item, one compare-and-swap: from then on the generation is in force. */
async function remember(
  place: ImportPlace,
  generation: CarriedGeneration,
  { judged, known, reference, about }: Proving,
): Promise<void> {
  const { header } = judged.bundle;
  const { key } = judged;
  const changed = await place.carried.change((was) => {
    if (was?.version !== known?.version) return undefined;
    const before = was?.value;
    const all = [...(before?.generations ?? []), generation].slice(-place.generations);
    const by =
      about.reference === undefined || key === undefined || reference !== timeOf(header.referenceTime)
        ? 'operator'
        : key.name;
    return {
      generations: [all[0] ?? generation, ...all.slice(1)],
      floor: key === undefined ? (before?.floor ?? 0) : Math.max(before?.floor ?? 0, generation.number),
      reference: reference === undefined ? before?.reference : { at: reference, by },
      maxAgeDays: key === undefined ? before?.maxAgeDays : header.policy.maxAgeDays,
      announced: key === undefined ? (before?.announced ?? []) : announcedIn(header),
    };
  });
  if (changed === undefined)
    throw new Refusal('mix-and-match', 'Another import went ahead meanwhile: run this one again.', {
      subject: 'request',
      transient: true,
    });
}

function announcedIn({ keys }: ReadBundle['header']): Carried['announced'] {
  const at = (text: string | undefined) => (text === undefined ? undefined : parseInstant(text));
  return keys.map(({ public: raw, name, from, until }) => ({ name, public: raw, from: at(from), until: at(until) }));
}

function aboutOf(
  { bundle, key, unbelieved, isHere, skipped }: Judged,
  reference: Instant | undefined,
  removed: number,
): About {
  const { number, stateAt } = bundle.header;
  return {
    number,
    manifest: bundle.manifest.sha256,
    key: key?.name,
    unbelieved,
    stateAt: timeOf(stateAt),
    reference,
    isHere,
    skipped,
    removed,
  };
}

function tallyOf({ files: contents, bytes, there }: Staged): Pick<Imported, 'contents' | 'bytes' | 'there'> {
  return { contents, bytes, there };
}
