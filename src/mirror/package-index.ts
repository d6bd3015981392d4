import type { UnverifiedDocument } from '../bytes/unverified.ts';
import type { Instant } from '../ports/clock.ts';
import type { Page } from '../render/page.ts';
import type { Signed } from '../tuf/model.ts';
import type { Verified } from '../tuf/verified.ts';
import { FileAnswer } from './files/file-answer.ts';
import type { Explanation } from './tuf/explain.ts';
import type { HeldRoles } from './tuf/stored-roles.ts';

export { FileAnswer };

// What the HTTP side and the command line may ask of an index. Every method throws Refusal; what it returns was proved.

export type Evidence = 'tuf' | 'index';

/** A document of the signed repository, upstream's exact bytes. */
export interface SignedDocument {
  readonly document: Verified<Signed>;
  /** True where the URL names a version, so that the bytes can never change. */
  readonly immutable: boolean;
}

export interface MirrorIndex {
  readonly name: string;
  readonly evidence: Evidence;
  /** The rendered page if it may be served this instant without any wait; no I/O, O(1). */
  warmPage(project: string): Page | undefined;
  /** `project` is a normalized name. 404 is Refusal `unlisted`. */
  page(project: string): Promise<Page>;
  /** The project list; Refusal `unlisted` with `policy` where the layout has none. */
  list(): Promise<Page>;
  /** By the URL under packages/ (its path, decoded, e.g. `aa/bb/rest/FILE`); `.metadata` names the core metadata. */
  packageFile(path: string): Promise<FileAnswer>;
  /** By the URL files/PROJECT/DIGEST/FILE. */
  digestFile(project: string, digest: string, filename: string): Promise<FileAnswer>;
  /** tuf/metadata/NAME, decoded once. */
  metadata(name: string): Promise<SignedDocument>;
  /** tuf/targets/PATH, decoded once: plain, `dir/HASH.name` and `HASH.dir/name`. */
  target(path: string): Promise<FileAnswer>;
  /** Documents nothing vouches for; absent where the evidence has no place for them. */
  readonly relay: RelayedDocuments | undefined;
  /** Refreshes the metadata now. */
  refresh(): Promise<void>;
  /** Who vouches for a project or file, in facts. */
  explain(name: string): Promise<Explanation>;
  status(): Promise<IndexStatus>;
  /** Proves the delegated roles on disk again; asks nothing of upstream. Undefined where nothing is signed. */
  heldRoles(): Promise<HeldRoles | undefined>;
}

/** What an unsigned index offers beside its pages and files; each throws `unlisted` where upstream has none. */
export interface RelayedDocuments {
  /** `/pypi/NAME/json` and `/pypi/NAME/VERSION/json`, file URLs rewritten to `base` (absolute, ending in a slash). */
  legacyJson(project: string, version: string | undefined, base: string): Promise<UnverifiedDocument>;
  /** PEP 740: `/integrity/PROJECT/VERSION/FILE/provenance`. */
  provenance(project: string, version: string, filename: string): Promise<UnverifiedDocument>;
  /** `FILE.asc`, where the page says that there is one; by the file's own path. */
  signature(path: string): Promise<UnverifiedDocument>;
}

export interface IndexStatus {
  readonly name: string;
  readonly evidence: Evidence;
  readonly upstream: string;
  readonly layout: string;
  readonly lastRefresh: Instant | undefined;
  readonly lastError: { readonly reason: string; readonly message: string; readonly at: Instant } | undefined;
  readonly roles: readonly RoleStatus[];
  /** Whether unsigned state on disk carries a seal; undefined where there is none to seal. */
  readonly sealed?: boolean | undefined;
  /** Entries left out of pages, by why; since start. */
  readonly leftOut: ReadonlyMap<string, number>;
}

export interface RoleStatus {
  readonly role: string;
  readonly version: number;
  readonly expires: Instant;
  /** Distinct keys that signed, of how many are needed, of how many may. */
  readonly signed: number;
  readonly threshold: number;
  readonly keys: number;
  readonly online: boolean;
}
