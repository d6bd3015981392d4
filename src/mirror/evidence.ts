import type { Caller } from '../async/caller.ts';
import type { Statement } from '../bytes/digest.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Heard } from '../ports/newest.ts';
import type { OwnFile } from '../pypi/listing.ts';
import type { KnownFile } from '../pypi/relink.ts';
import type { Believed, EvidenceKind } from './believed.ts';
import type { CarriedStatus } from './carried/status.ts';

/**
 * Where a belief stands in its life (RFC 9111, RFC 5861). `fresh`: served. `stale-while-revalidate`: served, and asked
 * for behind. `stale-if-error`: asked for first; served where upstream is away or slow. `expired`: not served.
 */
export type Standing = 'fresh' | 'stale-while-revalidate' | 'stale-if-error' | 'expired';

export interface Stands<P> {
  readonly standing: Standing;
  /** The same belief, with its proof carried over to what is believed now where that was possible. */
  readonly believed: Believed<P>;
}

/** How old a belief is that nothing signed bounds, and how long whoever is given it may keep it. Whole seconds. */
export interface Life {
  readonly age: number;
  /** 0 from when on upstream is to be asked first. */
  readonly left: number;
}

/** Digests of files whose page states none, and the belief that rests on those who stated them, too. */
export interface KnownDigests<P> {
  readonly known: ReadonlyMap<string, KnownFile>;
  readonly believed: Believed<P>;
}

/** What speaks for a file besides its project page, and where upstream stores it by that word. */
export interface Vouched {
  readonly stated: Statement;
  readonly urls: readonly string[];
}

/** One role that vouches, from the root down to the one that lists the path. */
export interface Voucher {
  readonly role: string;
  readonly threshold: number;
  readonly keys: number;
  /** True where keys known to be online reach the threshold; else they are "not known to be online". */
  readonly online: boolean;
  readonly version: number;
  readonly expires: Instant;
}

/** Who vouches for a project page, and what stolen keys could do. */
export interface EvidenceFacts {
  readonly target: string;
  /** Empty where nobody signed. */
  readonly chain: readonly Voucher[];
  /** Roles asked on the way whose online keys would be enough to list something new here. */
  readonly forgeableOnline: readonly string[];
  /** Of an index that arrives by import. */
  readonly carried?: CarriedStatus | undefined;
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

export interface LastError {
  readonly reason: string;
  readonly message: string;
  readonly at: Instant;
  /** What was refused; `state` where this machine failed, and not upstream. */
  readonly subject?: string | undefined;
}

export interface EvidenceStatus {
  readonly upstream: string;
  readonly layout: string;
  readonly lastRefresh: Instant | undefined;
  readonly lastError: LastError | undefined;
  readonly roles: readonly RoleStatus[];
  /** Whether state on disk that nobody signed carries a seal; undefined where there is none to seal. */
  readonly sealed?: boolean | undefined;
  /** What was imported last, of an index that arrives so. */
  readonly carried?: CarriedStatus | undefined;
}

/**
 * Why a project's page (or the list of all projects, name '') is believed, and for how long. Two implementations:
 * mirror/tuf (signatures) and mirror/unsigned (a second look). Everything else about pages exists once, in mirror/projects.
 */
export interface Evidence<P> {
  readonly kind: EvidenceKind;
  /** True where nothing tells which names there are: upstream is asked about each, also about those that it does not have. */
  readonly isAskedByName: boolean;
  /**
   * What our own state vouches for; upstream is asked nothing. Throws Refusal `state` where it cannot be believed. Missing where
   * `ask` takes from our own state what is there.
   */
  recall?(name: string): Promise<Believed<P> | undefined>;
  /** Another replica says something new of it: what our own state vouches for is brought up to that. Missing where nothing is said so. */
  hear?(name: string): Promise<Heard>;
  /**
   * Upstream's word, or a Refusal. `before` is what was believed last. `doubted`: something that it says proved wrong or
   * is gone, so that only a later or a second word will do; `before` itself where there is none.
   */
  ask(name: string, before: Believed<P> | undefined, caller: Caller, doubted?: boolean): Promise<Believed<P>>;
  /** At once: no I/O. */
  standing(believed: Believed<P>): Stands<P>;
  /**
   * Where upstream's word on everything is one: whether whoever asks is to wait for it, as long as anybody may, and that wait, which does
   * not throw. Missing where each page says so by its standing.
   */
  readonly overdue?: { readonly isDue: boolean; wait(caller: Caller): Promise<void> } | undefined;
  /** Undefined where signatures say how long it holds. No I/O. */
  life(believed: Believed<P>): Life | undefined;
  /** Whether files that are held are served by it even where it is `expired`: nothing but upstream's word takes them away. No I/O. */
  outlives(believed: Believed<P>): boolean;
  /** Of files that the page states no digest of. */
  digests(believed: Believed<P>, filenames: readonly string[], caller: Caller): Promise<KnownDigests<P>>;
  /** Undefined where nothing but the page speaks for the file. `filename` may be that of its core metadata. */
  voucher(believed: Believed<P>, file: OwnFile, filename: string, caller: Caller): Promise<Vouched | undefined>;
  explain(believed: Believed<P>, caller: Caller): Promise<EvidenceFacts>;
  status(): Promise<EvidenceStatus>;
}
