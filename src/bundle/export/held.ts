import type { Caller } from '../../async/caller.ts';
import type { Digests } from '../../bytes/digest.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { RelayedDocuments } from '../../ports/blobs.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { ListStore } from '../../ports/list-store.ts';
import { DigestSet } from '../format/digest-set.ts';
import type { Entry } from '../format/model.ts';
import { type HeldFeed, heldAdvisories } from './held-advisories.ts';
import { heldList } from './held-list.ts';
import { heldMetadata } from './held-metadata.ts';
import { heldProject } from './held-project.ts';
import { heldTargets } from './held-targets.ts';
import type { Mark } from './state-lines.ts';

/** One thing that is held and may be carried. */
export interface HeldItem {
  readonly entry: Omit<Entry, 'bytes' | 'coding' | 'stored'>;
  readonly mark?: Mark | undefined;
  /** A document, whole; undefined for a file, whose bytes the store has under their digest. */
  readonly content?: (() => Promise<Uint8Array>) | undefined;
  /** Of advisories. */
  readonly feed?: HeldFeed | undefined;
  /** Of a distribution file: for the report and the SBOM. */
  readonly release?: Release | undefined;
  /** Of a page: whether upstream lists a file of this name. */
  readonly lists?: ((filename: string) => boolean) | undefined;
}

export interface Release {
  readonly version: string | undefined;
  readonly uploadTime: string | undefined;
  /** As its core metadata states it, which is read out of a wheel where it is not held on its own; undefined where none is stated. */
  readonly licence: () => Promise<string | undefined>;
}

/** What is not carried though it is known of, by why: names of projects, and how many files. */
export class NotCarried {
  /** The first of them, for people. */
  readonly projects: { readonly project: string; readonly why: string }[] = [];
  projectCount = 0;
  /** Listed, and never fetched or no longer held. */
  files = 0;
  /** Delegated roles that are not held, and targets whose role is not: what they list is not looked at. */
  roles = 0;
  /** Advisories are to be carried, and none are in force. */
  advisories = false;
  /** Of these upstream says that they are gone. */
  readonly gone = new Set<string>();

  project(project: string, why: string): void {
    this.projectCount++;
    if (this.projects.length < MOST_NAMED) this.projects.push({ project, why });
  }
}

const MOST_NAMED = 100;

export interface HeldParts {
  readonly index: PackageIndex;
  readonly state: IndexState;
  readonly lists: ListStore;
  readonly storage: BlobStorage;
  /** What was relayed of files, and is kept. */
  readonly relayed: Pick<RelayedDocuments, 'stored'>;
  /** Undefined for everything that is held. */
  readonly selects: ((project: string) => boolean) | undefined;
  /** What is known to be bad, where that is carried; asked last, and read at once: the feed in force may be another soon. */
  readonly feed: () => Promise<HeldFeed | undefined>;
  readonly caller: Caller;
  readonly notCarried: NotCarried;
}

/** Everything that is held of an index and selected, in the order of a manifest. Upstream is not asked. Throws Refusal. */
export async function* heldItems(parts: HeldParts): AsyncGenerator<HeldItem, void, undefined> {
  const { index, state } = parts;
  if (index.signed !== undefined) yield* heldMetadata(index.signed, state.trust, parts.caller);
  else yield* heldList(parts.lists);
  const projects: string[] = [];
  for await (const project of state.projects(index.evidence === 'tuf' ? 'pins' : 'pages'))
    if (parts.selects?.(project) !== false) projects.push(project);
  projects.sort();
  const carried = new DigestSet();
  for (const project of projects)
    for await (const item of heldProject(parts, project)) {
      if (index.signed !== undefined) carried.add(item.entry.sha256);
      yield item;
    }
  // No target is a project's: where some were chosen, none is.
  if (index.signed !== undefined && parts.selects === undefined) yield* heldTargets(index.signed, parts, carried);
  const feed = await parts.feed();
  if (feed !== undefined) yield await heldAdvisories(feed);
}

/** Under which SHA-256 the store has what bears these digests, and its bytes; undefined where it has not. */
export async function storedAs(
  storage: BlobStorage,
  digests: Digests,
  length: number | undefined,
): Promise<{ readonly sha256: string; readonly size: number } | undefined> {
  for (const [algorithm, hex] of digests) {
    const sha256 = algorithm === 'sha256' ? hex : await storage.alias(algorithm, hex);
    const facts = sha256 === undefined ? undefined : await storage.stat(sha256);
    if (sha256 !== undefined && facts !== undefined && facts.size === (length ?? facts.size))
      return { sha256, size: facts.size };
  }
  return undefined;
}

/** Digests of other kinds, as an entry states them. */
export function alsoOf(digests: Digests): Pick<Entry, 'also'> {
  const others = (['sha384', 'sha512', 'blake2b-256'] as const).flatMap((algorithm) => {
    const hex = digests.get(algorithm);
    return hex === undefined ? [] : [[algorithm, hex] as const];
  });
  return others.length === 0 ? {} : { also: Object.fromEntries(others) };
}
