import type { Caller } from '../async/caller.ts';
import type { Expected } from '../bytes/expected.ts';
import type { Instant } from '../bytes/instant.ts';
import type { UnverifiedDocument } from '../bytes/unverified.ts';
import type { Blob } from '../ports/blob.ts';
import type { CarriedGeneration } from '../ports/carried.ts';
import type { Heard } from '../ports/newest.ts';
import type { MetadataFor, Upstream } from '../ports/upstream.ts';
import type { JudgedFile } from '../pypi/listing.ts';
import type { Choice } from '../render/negotiate.ts';
import type { Page } from '../render/page.ts';
import type { Signed } from '../tuf/model.ts';
import type { Verified } from '../tuf/verified.ts';
import type { EvidenceKind } from './believed.ts';
import type { EvidenceStatus, Life } from './evidence.ts';
import type { Explanation } from './explain.ts';
import type { FileAddress } from './files/addresses.ts';
import type { FileAnswer } from './files/file-answer.ts';
import type { BelievedPage } from './projects/believed-page.ts';
import type { TallyTotals } from './projects/left-out.ts';
import type { KnownPage } from './projects/project-pages.ts';
import type { ListedRole, RolesWanted } from './tuf/listed-roles.ts';
import type { StoredRoles } from './tuf/stored-roles.ts';

// What routes, commands and jobs may ask of an index. Every method throws Refusal; what it returns was proved or believed.

export type { EvidenceKind } from './believed.ts';
export type { Life, Voucher } from './evidence.ts';
export type { Explanation } from './explain.ts';
export { type FileAddress, projectsAt } from './files/addresses.ts';
export { FileAnswer } from './files/file-answer.ts';
export { keptName } from './kept-name.ts';
export type { ListedTarget } from './tuf/listed-roles.ts';
export type { StoredRoles } from './tuf/stored-roles.ts';

/** What a look at upstream came to; `new` where nothing was held. */
export type LookedAt = 'new' | 'changed' | 'unchanged' | 'absent';

/** A page as it is sent now. `life`: how long it may be kept; undefined where nothing but the reader's own rule says. */
export interface ServedPage {
  readonly page: Page;
  readonly life: Life | undefined;
}

/** A page that `known` gave. */
export type KnownListing = KnownPage<unknown>;

/** A page that `listing` gave. */
export type BelievedListing = BelievedPage<unknown>;

/** What upstream's list says of pages. */
export interface ListedSerials {
  /**
   * The page that is held, where upstream counts for it what it came with, and it was asked for less than a day ago. Nothing is confirmed by that: the
   * page is as old as it was. Upstream is not asked. Never throws: undefined where the page is to be asked for.
   */
  unchanged(project: string, caller: Caller): Promise<BelievedListing | undefined>;
}

/** What every index has, whatever its pages are believed by. */
export interface PackageIndex {
  readonly name: string;
  readonly evidence: EvidenceKind;
  /** The page if it may be served in this form and coding this instant, without any wait; no I/O. Counted as served. `project` is a normalized name. */
  warmPage(project: string, choice: Choice): ServedPage | undefined;
  /** Counted as served. `unlisted` where the index provably has no such project. */
  page(project: string, caller: Caller): Promise<ServedPage>;
  /** Whether the index was just proved to have no such project, and that still stands. No I/O. */
  isAbsent(project: string): boolean;
  /** Whether the name of a project that `isAbsent` is true of is kept for it: it was here before. True where memory does not know. No I/O. */
  mayBeKept(project: string): boolean;
  /** The same of a project that was just proved not to be there, by what is stored. */
  isKept(project: string): Promise<boolean>;
  /** Whether the index has such a project; false where it provably has none. Not counted as served. */
  has(project: string, caller: Caller): Promise<boolean>;
  /** Whether a page of the project is held here, however old; upstream is not asked. */
  holds(project: string, caller: Caller): Promise<boolean>;
  /** The list of all projects; counted as served. `unlisted` or `policy` where there is none to pass on. */
  list(caller: Caller): Promise<ServedPage>;
  /** The core metadata of a file lies at the file's address with `.metadata` behind it. Counted as served when it is opened. */
  file(at: FileAddress, caller: Caller): Promise<FileAnswer>;
  /** Who vouches for a project or file, in facts. `held`: by what is held, and upstream is not asked. */
  explain(name: string, caller: Caller, how?: { readonly held: boolean }): Promise<Explanation>;
  /** What is held of a project, for people; upstream is not asked, and nothing is counted as served. Undefined where nothing is held. */
  known(project: string, caller: Caller): Promise<KnownListing | undefined>;
  status(): Promise<IndexStatus>;
  /** What the pages in force leave out, also those of an earlier run. */
  tally(): Promise<IndexTally>;
  /** Asks upstream once what it is like, and notes that, or what is wrong. For a start, which does not wait for it. Throws nothing. */
  introduce(caller: Caller): Promise<void>;
  /** Asks upstream for a project's page now, however fresh what is held is. Not counted as served. */
  look(project: string, caller: Caller): Promise<LookedAt>;
  /** Asks upstream about a page that is held, in the background: whether it has changed is all that is of interest. */
  confirm(project: string, caller: Caller): Promise<void>;
  /**
   * What is stored of a project, or (name '') the list of all projects, was changed by others (an operator, another process): what memory holds
   * of it is given up.
   */
  follow(project: string, caller: Caller): Promise<void>;
  /** What an operator decided of the project, here or elsewhere, is in force when this resolves. */
  judgeAgain(project: string): Promise<void>;
  /** Another replica says something new of a project: what is remembered of it is brought up to that, or looked at again. */
  hear(project: string, caller: Caller): Promise<Heard>;
  /** A project page, parsed, for jobs: not counted as served. */
  listing(project: string, caller: Caller): Promise<BelievedPage<unknown>>;
  /** Names of all projects, normalized, for jobs. `held`: of the list that is held, and upstream is not asked. */
  projects(caller: Caller, how?: { readonly held: boolean }): AsyncIterable<string>;
  /**
   * Asks upstream for its list now, for jobs that would ask for page after page: what it counts for each project tells of those that are held which have
   * not changed. Undefined where it counts nothing, or evidence says by itself what is new. Throws Refusal.
   */
  listed(caller: Caller): Promise<ListedSerials | undefined>;
  /** The proved bytes of a file of a page that `listing` gave, for jobs: not counted as served. */
  open(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<Blob>;
  /** A power cut takes nothing of what `open` gave when this resolves. Where it throws (Refusal), it is to be opened anew. */
  settle(sha256: string): Promise<void>;
  /**
   * The proved core metadata of such a file, for jobs; of a wheel that none is announced of, what the wheel holds. Undefined where nobody can
   * say without building it.
   */
  coreMetadata(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<Uint8Array | undefined>;
  /** Whether such a file is stored, as far as the store's own record knows: a hint, never a proof. Upstream is not asked. */
  isHeld(page: BelievedPage<unknown>, filename: string): Promise<boolean>;
  /** What an index signed with TUF has besides. */
  readonly signed: SignedRepository | undefined;
  /** What an index that arrives by import has besides. */
  readonly carried: CarriedIndex | undefined;
  /** Documents nothing vouches for; undefined where the evidence has no place for them. */
  readonly unverified: UnverifiedDocuments | undefined;
}

/** A document of the signed repository, upstream's exact bytes. */
export interface SignedDocument {
  readonly document: Verified<Signed>;
  /** True where the URL names a version, so that the bytes can never change. */
  readonly immutable: boolean;
}

/** Another place that an index can be had from: an imported bundle, say. */
export interface Origin {
  readonly metadata: MetadataFor;
  readonly upstream: Upstream;
}

/** The generation that a refresh has proved and not published. Jobs may look into it before it is believed. */
export interface Candidate extends Pick<PackageIndex, 'listing' | 'projects' | 'open'> {
  /** What an index signed with TUF has besides. */
  readonly roles?: CandidateRoles | undefined;
}

/** Delegated roles of a candidate, and what they list. */
export interface CandidateRoles {
  /** Proves a delegated role and stores it durably; false where it vouches for nothing now: it has expired, or nobody delegates to it. */
  keep(role: string, caller: Caller): Promise<boolean>;
  /** The proved bytes of a target. */
  target(path: string, caller: Caller): Promise<Blob>;
}

export interface RefreshRequest {
  /** Who waits for it; a job of the mirror's own unless stated. A client that needs it raises it. */
  readonly caller?: Caller | undefined;
  /** Where to look; the index's own upstream unless stated. */
  readonly from?: Origin | undefined;
  /** The time that the walk is judged as of; that of the index unless stated. */
  readonly asOf?: Instant | undefined;
  /** Where it throws, nothing is published; roots and the timestamp's floor stay even then (TUF §5.4.5). */
  readonly beforePublish?: ((candidate: Candidate) => Promise<void>) | undefined;
}

export interface AskedTarget {
  /** Decoded once. */
  readonly path: string;
  /** Not decoded: TUF clients escape no percent sign, so that `a%41` may be the name itself. */
  readonly asSent: string;
}

export interface SignedRepository {
  /** tuf/metadata/NAME, decoded once. */
  metadata(name: string, caller: Caller): Promise<SignedDocument>;
  /** tuf/targets/PATH: plain, `dir/HASH.name` and `HASH.dir/name`. */
  target(asked: AskedTarget, caller: Caller): Promise<FileAnswer>;
  /** False where roles alone say what there is: no target is a project's page. */
  readonly hasPages: boolean;
  /** Each role with the targets that it vouches for, for jobs. */
  listed(caller: Caller, wanted: RolesWanted): AsyncIterable<ListedRole>;
  /** Whether what a role lists is stored, as far as the store's own record knows: a hint, never a proof. */
  isTargetHeld(expected: Expected): Promise<boolean>;
  /** The proved bytes of a target by its path, for jobs: not counted as served. */
  openTarget(path: string, caller: Caller): Promise<Blob>;
  /** Refreshes the metadata now. */
  refresh(request?: RefreshRequest): Promise<void>;
  /** The timestamp that is believed, as it was signed; undefined before the first one. */
  readonly timestamp: Uint8Array | undefined;
  /** Another replica believes this timestamp. */
  hear(timestamp: Uint8Array): Promise<Heard>;
  /** Another replica has published: what is stored is proved and believed from now on. */
  adopt(): Promise<void>;
  /** Another process on the same state asked upstream just now, and what is stored is what upstream has. */
  confirmed(): void;
  /** Proves the delegated roles on disk again; asks nothing of upstream. */
  proveStoredRoles(): Promise<StoredRoles>;
}

/** What a bundle would make of an index. */
export interface Taking {
  /** Where its signed metadata is; of an index that signs. Its files are stored already. */
  readonly from: Origin;
  /** What it consists of. */
  readonly generation: CarriedGeneration;
  /** The time that its signatures are judged as of; that of the index where nobody gave one. */
  readonly asOf: Instant | undefined;
  /** Where it throws, nothing is published. */
  look(candidate: Candidate): Promise<void>;
}

/** An index that is not fetched: bundles bring it. */
export interface CarriedIndex {
  /**
   * Judges what a bundle brought by this site's own root, floors and pins. Of an index that signs, publishes its metadata; what else it is to be is the
   * caller's to write down. Throws Refusal.
   */
  take(taking: Taking): Promise<void>;
  /** What was imported, by this process or another, is proved and believed from now on. */
  adopt(): Promise<void>;
}

/** Each throws `unlisted` where upstream has none. */
export interface UnverifiedDocuments {
  /** `/pypi/NAME/json` and `/pypi/NAME/VERSION/json`, file URLs rewritten to `base` (absolute, ending in a slash). */
  legacyJson(project: string, version: string | undefined, base: string, caller: Caller): Promise<UnverifiedDocument>;
  /** PEP 740: `/integrity/PROJECT/VERSION/FILE/provenance`. */
  provenance(project: string, version: string, filename: string, caller: Caller): Promise<UnverifiedDocument>;
  /** The same of a file whose page is at hand, as the file’s own name spells the version. */
  provenanceOf(
    project: string,
    version: string,
    file: Pick<JudgedFile, 'entry'>,
    caller: Caller,
  ): Promise<UnverifiedDocument>;
  /** A file that changes under its name, where its page states no digest of it (PEP 825's `-variants.json`). */
  variants(project: string, filename: string, caller: Caller): Promise<UnverifiedDocument>;
  /** `FILE.asc`, where the page says that there is one; by the file's own path. `of`: the one project whose page is asked. */
  signature(path: string, caller: Caller, of?: string | undefined): Promise<UnverifiedDocument>;
  /** Has what this page announces of a file, provenance and signature, kept for whoever is offline later: asked for where it is not. Throws Refusal. */
  relay(page: BelievedPage<unknown>, filename: string, caller: Caller): Promise<void>;
}

/** What pages do not pass on, and what an operator keeps from being served. */
export interface IndexTally extends TallyTotals {
  /** Projects and versions that are in quarantine by an operator's word. */
  readonly quarantined: number;
}

export interface IndexStatus extends EvidenceStatus, IndexTally {
  readonly name: string;
  readonly evidence: EvidenceKind;
  /** Upstream was silent a moment ago: nobody who can be served otherwise waits for it. */
  readonly silent: boolean;
  /** What is stored of it cannot be believed, and nothing of it is served. */
  readonly refusesAll?: boolean | undefined;
}
