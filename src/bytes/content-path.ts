import { isDigest } from './digest.ts';

/** PyPI's `aa/bb/rest/FILE`: the first three joined claim to be the file's BLAKE2b-256. */
export interface ContentPath {
  readonly aa: string;
  readonly bb: string;
  readonly rest: string;
}

/** Reads `[aa, bb, rest]` as two, two and sixty lower-case hex digits. */
export function contentPath(segments: readonly string[]): ContentPath | undefined {
  const [aa = '', bb = '', rest = ''] = segments;
  if (segments.length !== 3 || aa.length !== 2 || bb.length !== 2) return undefined;
  return isDigest('blake2b-256', aa + bb + rest) ? { aa, bb, rest } : undefined;
}

/** The digest a content path claims. */
export function claimedDigest({ aa, bb, rest }: ContentPath): string {
  return aa + bb + rest;
}
