import type { PackageIndex, SignedRepository } from '../mirror/package-index.ts';
import { LONGEST_RETRY_AFTER, PAGE_MAX_AGE } from './limits.ts';
import { createPageHeaders, type PageHeadersOf, type ResponsePolicy } from './reply/headers.ts';

/** What of an index can be asked for over HTTP. */
export type ReadIndex = Pick<
  PackageIndex,
  | 'name'
  | 'evidence'
  | 'warmPage'
  | 'page'
  | 'isAbsent'
  | 'mayBeKept'
  | 'isKept'
  | 'has'
  | 'holds'
  | 'list'
  | 'file'
  | 'unverified'
> & {
  readonly signed: Pick<SignedRepository, 'metadata' | 'target'> | undefined;
};

/**
 * Where a proved file can be had besides here, as the whole address of another host; undefined where nowhere. What leaves there is proved by nobody.
 * Must not reject.
 */
export type Elsewhere = (blob: { readonly sha256: string; readonly size: number }) => Promise<string | undefined>;

/** An index as it is to be served. */
export interface ServedIndex {
  readonly index: ReadIndex;
  /** Whether any web page may read it (default true); false for an index that needs credentials. */
  readonly cors?: boolean | undefined;
  /** Whether caches between us and the client may keep its answers (default true); false where reading needs credentials. */
  readonly shared?: boolean | undefined;
  /** Seconds a client may keep a page; at most and by default ten minutes. */
  readonly pageMaxAge?: number | undefined;
  /** Seconds that a client is asked to wait before it comes again, at most. */
  readonly longestRetryAfter?: number | undefined;
  /** Left out, every file is sent from here. Never given for an index that needs credentials. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** An index with what all its answers share. */
export interface MountedIndex {
  readonly index: ReadIndex;
  readonly policy: ResponsePolicy;
  readonly headersOf: PageHeadersOf;
  readonly elsewhere: Elsewhere | undefined;
}

export function mount({
  index,
  cors = true,
  shared = true,
  pageMaxAge = PAGE_MAX_AGE,
  longestRetryAfter = LONGEST_RETRY_AFTER,
  elsewhere,
}: ServedIndex): MountedIndex {
  const { name, evidence } = index;
  const policy: ResponsePolicy = {
    name,
    evidence,
    cors,
    storedBy: shared ? 'public' : 'private',
    pageMaxAge: Math.min(pageMaxAge, PAGE_MAX_AGE),
    longestRetryAfter,
  };
  return { index, policy, headersOf: createPageHeaders(policy), elsewhere };
}
