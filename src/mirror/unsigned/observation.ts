import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { PageContent, PageRecord } from '../../ports/index-state.ts';
import type { DocumentAnswer } from '../../ports/upstream.ts';
import { inUtf8 } from '../../pypi/charset.ts';
import type { Oddity } from '../../pypi/project-page.ts';
import { LIMITS } from '../limits.ts';

type Document = Extract<DocumentAnswer, { kind: 'document' }>;

/** A page as it came, in UTF-8. */
export interface Arrival extends Document {
  /** In what its transfer was odd. */
  readonly odd: readonly Oddity[];
}

/** Refuses `format` where it is not in the charset that it is stated in. */
export function asArrival(answer: Document): Arrival {
  const { bytes, charset } = inUtf8(answer.bytes, answer.contentType, LIMITS.page);
  const odd: Oddity[] = [];
  if (charset !== undefined) odd.push('charset');
  if (answer.unframed === true) odd.push('unframed');
  return { ...answer, bytes, odd };
}

/** Once a day everything is fetched whole, whatever its validators say. Seconds. */
const WHOLE_EVERY = 86_400;

/**
 * True where only a whole fetch will do: once a day, and for a body that came whole only once. A forged page may carry the
 * true ETag, so a 304 lets such a body stand for one more term and no longer, and confirms nothing of it.
 */
export function isUnsure({ twice, fetchedAt, confirmedAt }: PageRecord, now: Instant): boolean {
  return (!twice && confirmedAt > fetchedAt) || now < fetchedAt || now - fetchedAt >= WHOLE_EVERY;
}

/** The higher serial of two that may be unknown. */
export function highest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

export function sameBytes(
  { bytes, letGo }: Pick<PageContent, 'bytes' | 'letGo'>,
  { bytes: others }: { readonly bytes: Uint8Array },
): boolean {
  return (letGo?.sha256 ?? sha256Hex(bytes)) === sha256Hex(others);
}
