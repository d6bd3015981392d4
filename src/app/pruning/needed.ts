import { internalCaller } from '../../async/caller.ts';
import type { BlobStore } from '../../blobs/blob-store.ts';
import { readRemembered } from '../../bundle/export/write.ts';
import { isStoredFile } from '../../bundle/format/model.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { IndexConfig } from '../../config/config.ts';
import { ExportHistory } from '../../disk/bundles/export-history.ts';
import type { Volume } from '../../disk/volume.ts';
import { listOrNothing } from '../../disk/walk.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { RelayedDocuments } from '../../ports/blobs.ts';
import type { IndexState, Pin } from '../../ports/index-state.ts';
import { holdDaysOf, type Retaining, retainedBy } from '../carry/retention.ts';
import { rowsIn } from '../carry/tables.ts';
import type { Composition } from '../compose.ts';
import type { OperatorPlace } from '../operator/place.ts';
import { contentsOf, namedBy } from './contents.ts';
import type { Knowledge } from './knowledge.ts';

type Listed = Awaited<ReturnType<PackageIndex['listing']>>;

/** Where it is looked. */
export interface PrunePlace extends Pick<Composition, 'indexes' | 'states' | 'relayed'> {
  readonly operator: Pick<OperatorPlace, 'config'> & { readonly storage: Pick<BlobStorage, 'alias'> };
  readonly blobs: Pick<BlobStore, 'content' | 'scanned' | 'usage' | 'pruning'>;
  readonly volume: Pick<Volume, 'ops' | 'root'>;
}

interface OfIndex {
  readonly mirror: PackageIndex;
  readonly state: IndexState;
  readonly storage: Pick<BlobStorage, 'alias'>;
  readonly relayed: RelayedDocuments;
  /** What upstream removed is served on, and so is needed. */
  readonly servesRemoved: boolean;
}

/** Finds out what is needed, and by what. Upstream is not asked where the composition is offline. Throws Refusal where that cannot be told. */
export async function lookWhatIsNeeded(composition: PrunePlace, known: Knowledge): Promise<void> {
  const { operator, indexes, states, volume } = composition;
  const configured = operator.config.indexes;
  for (const name of await listOrNothing(volume.ops, `${volume.root}/indexes`))
    if (configured[name] === undefined) throw unknowable(name, 'the configuration does not name it');
  await ofBundles(composition, known);
  for (const mirror of indexes) {
    const state = states.get(mirror.name);
    const config = configured[mirror.name];
    if (state === undefined) throw unknowable(mirror.name, 'what it remembers is damaged');
    if (config?.import !== undefined) await ofImports(config, state, composition, known);
    const about = {
      mirror,
      state,
      storage: operator.storage,
      relayed: composition.relayed(mirror.name),
      servesRemoved: config?.removed === 'serve',
    };
    for (const project of await projectsOf(state)) await ofProject(about, project, known);
    await ofRoles(about, known);
  }
}

function unknowable(index: string, why: string): Refusal {
  return new Refusal(
    'state',
    `Nobody can say what the index ${index} needs: ${why}. Nothing is removed before that is mended, or its directory below indexes/ is moved away.`,
    { subject: 'state' },
  );
}

/** Exports that are being made, what was exported and can be made again, and the last imports. */
async function ofBundles({ blobs, operator, states, volume }: PrunePlace, known: Knowledge): Promise<void> {
  const { ops, root } = volume;
  const retaining: Retaining = {
    blobs,
    indexes: Object.values(operator.config.indexes),
    states,
    volume,
    holdDays: holdDaysOf(operator.config),
    now: () => Math.floor(Date.now() / 1000),
  };
  for await (const { sha256, by } of retainedBy(retaining)) known.needs(by, sha256);
  for (const name of await listOrNothing(ops, `${root}/exports`)) {
    const history = new ExportHistory(ops, root, name);
    for (const number of await history.numbers()) {
      const bundle = await history.open(number);
      try {
        if (bundle === undefined) continue;
        // Documents are remembered on their own; files are read from the store when it is made again.
        for await (const entry of (await readRemembered(bundle)).entries())
          if (isStoredFile(entry) && entry.bytes === 'here') known.needs('export', entry.sha256);
      } finally {
        await bundle?.close();
      }
    }
  }
}

/** A later bundle may build on any import whose table is remembered; what only older ones list is known to be old. */
async function ofImports(
  { import: given }: IndexConfig,
  state: IndexState,
  { blobs }: Pick<PrunePlace, 'blobs'>,
  known: Knowledge,
): Promise<void> {
  const generations = (await state.carried.read())?.value.generations ?? [];
  const kept = generations.slice(-(given?.generations ?? 1));
  for (const { table } of generations) known.needs('import', table.sha256);
  for (const { table } of generations.slice(0, -kept.length)) {
    if ((await blobs.content(table)) === undefined) continue;
    for await (const { sha256 } of rowsIn(blobs, table)) known.isOld('superseded', sha256);
  }
}

/** What roles list, by whatever path a client asked for it. */
async function ofRoles({ mirror, storage }: OfIndex, known: Knowledge): Promise<void> {
  const { signed } = mirror;
  if (signed === undefined) return;
  let unread = 0;
  const onUnread = () => void unread++;
  try {
    for await (const { targets } of signed.listed(internalCaller(mirror.name, 'prune'), { held: true, onUnread }))
      for (const { expected } of targets)
        for await (const sha256 of namedBy(storage, expected.digests)) known.needs('role', sha256);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    unread++;
  }
  // Of an index that arrives by import its tables say what it consists of.
  if (unread > 0 && mirror.carried === undefined)
    known.unjudged.set(mirror.name, 'signed roles that are not at hand may list more');
}

async function projectsOf(state: IndexState): Promise<ReadonlySet<string>> {
  const projects = new Set<string>();
  for (const kind of ['pins', 'pages'] as const)
    for await (const project of state.projects(kind)) projects.add(project);
  return projects;
}

/** What its page lists, held back or not, by the page's word and by its pins; every pin where the page is not at hand. */
async function ofProject(about: OfIndex, project: string, known: Knowledge): Promise<void> {
  const { mirror, state } = about;
  const pins = (await state.pins(project).read())?.value ?? new Map<string, Pin>();
  const page = await listingOf(mirror, project);
  if (page === 'gone') {
    for (const [name, pin] of pins) await ofUnlisted(about, { project, name, pin }, known);
    return;
  }
  if (page === 'not at hand') {
    known.pagesNotAtHand++;
    if (mirror.signed !== undefined && mirror.carried === undefined)
      known.unjudged.set(mirror.name, 'not all of its pages are at hand');
    for (const [name, pin] of pins) await ofPin(about, { project, name, pin }, known);
    return;
  }
  const { source } = page.believed;
  if (source !== undefined) known.needs('page', source.sha256);
  for (const { entry } of page.listing.files.values()) await ofFile(about, project, entry, known);
  // In quarantine, or contradicted: not listed, and not gone.
  for (const [name, pin] of pins)
    if (page.listing.files.has(name) || page.refusal(name) !== undefined)
      await ofPin(about, { project, name, pin }, known);
    else await ofUnlisted(about, { project, name, pin }, known);
}

/** Of an index that arrives by import what was not carried is gone: its tables say what it consists of. */
async function listingOf(mirror: PackageIndex, project: string): Promise<Listed | 'gone' | 'not at hand'> {
  try {
    return await mirror.listing(project, internalCaller(mirror.name, 'prune'));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const isGone = error.reason === 'unlisted' || (mirror.carried !== undefined && error.reason === 'offline');
    return isGone ? 'gone' : 'not at hand';
  }
}

/** A file, its core metadata, and what was relayed of it. */
async function ofFile(
  about: OfIndex,
  project: string,
  file: Parameters<typeof contentsOf>[2],
  known: Knowledge,
): Promise<void> {
  for await (const sha256 of contentsOf(about, project, file)) known.needs('page', sha256);
}

async function ofPin(about: OfIndex, { project, name, pin }: NamedPin, known: Knowledge): Promise<void> {
  const { digests, coreMetadata } = pin;
  for await (const sha256 of contentsOf(about, project, { filename: name, digests, coreMetadata }))
    known.needs('pin', sha256);
}

interface NamedPin {
  readonly project: string;
  readonly name: string;
  readonly pin: Pin;
}

function ofUnlisted(about: OfIndex, named: NamedPin, known: Knowledge): Promise<void> {
  return about.servesRemoved ? ofPin(about, named, known) : old(about, named.pin, known);
}

async function old({ storage }: OfIndex, { digests, coreMetadata }: Pin, known: Knowledge): Promise<void> {
  for (const each of [digests, coreMetadata])
    for await (const sha256 of namedBy(storage, each)) known.isOld('unlisted', sha256);
}
