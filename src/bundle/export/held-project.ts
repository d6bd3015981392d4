import { sha256Hex } from '../../bytes/digest.ts';
import { instantText } from '../../bytes/instant.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import { Superseded } from '../../ports/index-state.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { versionOf } from '../../pypi/names.ts';
import type { Entry } from '../format/model.ts';
import { alsoOf, type HeldItem, type HeldParts, storedAs } from './held.ts';
import { licenceIn } from './licence.ts';
import { storedDocument } from './stored-document.ts';
import { licenceOfWheel } from './wheel-licence.ts';

type Listed = Awaited<ReturnType<PackageIndex['listing']>>;

/** What of a project may be had without being here. */
const NOT_HELD: ReadonlySet<Reason> = new Set(['offline', 'unlisted', 'policy', 'unreachable']);
/** Changes of others that one page gives way to. */
const SUPERSEDED_MOST = 3;

/** The page of a project and what is held of its files. Nothing where its page is not held. Throws Refusal. */
export async function* heldProject(parts: HeldParts, project: string): AsyncGenerator<HeldItem, void, undefined> {
  const page = await parts.index.listing(project, parts.caller).catch((error: unknown) => {
    if (!(error instanceof Refusal) || !NOT_HELD.has(error.reason)) throw error;
    if (error.reason === 'unlisted') parts.notCarried.gone.add(project);
    else parts.notCarried.project(project, error.message);
    return undefined;
  });
  if (page === undefined) return;
  const own = await pageOf(parts, page);
  if (own === undefined) {
    parts.notCarried.project(project, 'its page is not held, only what it was compared with');
    return;
  }
  yield own;
  const files = [...page.listing.files.values()].sort((a, b) => (a.entry.filename < b.entry.filename ? -1 : 1));
  for (const file of files) yield* heldFile(parts, page, file);
}

/** With what an unsigned page came with, where it is the very page that is listed. */
async function pageOf(parts: HeldParts, listed: Listed): Promise<HeldItem | undefined> {
  const { index, state, caller } = parts;
  const { project } = listed;
  for (let page = listed, tries = 0; tries < SUPERSEDED_MOST; tries++) {
    const { source } = page.believed;
    if (source === undefined) return undefined;
    const content = await source.read(caller);
    const named = { kind: 'page', project } as const;
    const about = { size: content.byteLength, sha256: source.sha256 };
    const mark = page.listing.projectStatus?.status === 'quarantined' ? 'quarantined' : undefined;
    const lists = (filename: string) => page.listing.files.has(filename) || page.withheld.has(filename);
    const rest = { mark, content: async () => content, lists } as const;
    if (index.evidence === 'tuf') return { entry: { ...named, url: source.url, ...about }, ...rest };
    const stored = (await state.page(project).read())?.value.page;
    if (stored?.letGo !== undefined) return undefined;
    if (stored !== undefined && sha256Hex(stored.bytes) === source.sha256)
      return { entry: { ...named, url: source.url, ...cameWith(stored), ...about }, ...rest };
    await index.follow(project, caller);
    page = await index.listing(project, caller);
  }
  throw new Superseded(project);
}

function cameWith(stored: {
  readonly contentType: string;
  readonly serial: number | undefined;
  readonly confirmedAt: number;
}): Pick<Entry, 'type' | 'serial' | 'confirmed'> {
  const { contentType: type, serial, confirmedAt } = stored;
  return { type, ...(serial === undefined ? {} : { serial }), confirmed: instantText(confirmedAt) };
}

async function* heldFile(parts: HeldParts, page: Listed, file: OwnFile): AsyncGenerator<HeldItem, void, undefined> {
  const { storage, notCarried } = parts;
  const { filename: name, uploadTime, yanked } = file.entry;
  const { project } = page;
  const { digests, length } = page.expect(file, undefined);
  const stored = await storedAs(storage, digests, length);
  const metadata = await heldCoreMetadata(storage, page, file);
  if (stored !== undefined)
    yield {
      entry: { kind: 'file', project, name, ...sized(stored), ...alsoOf(digests) },
      mark: yanked === undefined ? undefined : 'yanked',
      release: {
        version: versionOf(name, project),
        uploadTime,
        licence: async () =>
          metadata?.content === undefined ? licenceOfWheel(storage, name, stored) : licenceIn(await metadata.content()),
      },
    };
  else notCarried.files++;
  if (metadata !== undefined) yield metadata;
  if (stored !== undefined) yield* relayedOf(parts, project, file);
}

/** In the order of a manifest. Nobody proves them: they are of the file by its digest, as upstream sent them. */
async function* relayedOf(
  { storage, relayed }: HeldParts,
  project: string,
  { entry: { filename: name, digests } }: OwnFile,
): AsyncGenerator<HeldItem, void, undefined> {
  for (const kind of ['signature', 'provenance'] as const) {
    const kept = await relayed.stored({ kind, project, filename: name, digests });
    if (kept !== undefined)
      yield {
        entry: { kind, project, name, ...sized(kept) },
        content: () => storedDocument(storage, kept.sha256, kept.size),
      };
  }
}

async function heldCoreMetadata(storage: BlobStorage, page: Listed, file: OwnFile): Promise<HeldItem | undefined> {
  const { coreMetadata, filename: name } = file.entry;
  if (coreMetadata === undefined || coreMetadata === 'announced' || coreMetadata.size === 0) return undefined;
  const { digests, length } = page.expectCoreMetadata(file, undefined);
  const stored = await storedAs(storage, digests, length);
  return (
    stored && {
      entry: { kind: 'core-metadata', project: page.project, name, ...sized(stored), ...alsoOf(digests) },
      content: () => storedDocument(storage, stored.sha256, stored.size),
    }
  );
}

/** In the order of a manifest's line. */
function sized({ size, sha256 }: { readonly size: number; readonly sha256: string }) {
  return { size, sha256 };
}
