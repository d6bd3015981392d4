import { type Instant, instantText } from '../bytes/instant.ts';
import type { Pin } from '../ports/index-state.ts';
import type { JudgedFile } from '../pypi/listing.ts';
import { uploadedAt } from './read-once.ts';

/** Since when a file is there, and what says so. */
export interface Birth {
  readonly at: Instant;
  readonly by: 'upload-time' | 'not-listed' | 'first-seen';
}

/** Seconds by which upstream's clock may be ahead. */
const AHEAD = 300;

/**
 * The later of upstream's upload-time, as it was stated when the file was first seen, and the last time that the page was seen here without
 * the file. A time after the file was seen cannot be true: then, and where none is stated, the first sight counts. Undefined where the file was never seen and states no time.
 */
export function birthOf({ entry }: JudgedFile, pin: Pin | undefined, now: Instant): Birth | undefined {
  const seen = pin?.seen ?? now;
  const stated = uploadedAt(pin?.uploadTime === undefined ? entry : pin);
  if (stated === undefined || stated > seen + AHEAD)
    return pin === undefined ? undefined : { at: seen, by: 'first-seen' };
  const absent = pin?.absent ?? Number.NEGATIVE_INFINITY;
  return absent > stated ? { at: absent, by: 'not-listed' } : { at: stated, by: 'upload-time' };
}

/** Completes "FILE …". */
export function birthText({ at, by }: Birth): string {
  const when = instantText(at);
  switch (by) {
    case 'upload-time':
      return `was uploaded at ${when}, as upstream says`;
    case 'not-listed':
      return `was not on its page yet at ${when}, when that was last seen here without it`;
    case 'first-seen':
      return `was first seen here at ${when}, and upstream states no time that could be true`;
  }
}

/** The time that was sealed at first sight, where upstream states an earlier one now. */
export function sealedBefore({ entry }: JudgedFile, pin: Pin | undefined): string | undefined {
  const [sealed, stated] = [pin && uploadedAt(pin), uploadedAt(entry)];
  return sealed !== undefined && stated !== undefined && stated < sealed ? pin?.uploadTime : undefined;
}
