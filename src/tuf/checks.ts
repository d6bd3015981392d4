import { type Instant, instantText } from '../bytes/instant.ts';
import { checkBytes } from '../bytes/prover.ts';
import { about, Refusal, type Subject } from '../bytes/refusal.ts';
import type { MetaFile, Signed } from './model.ts';
import type { Sliced } from './sliced.ts';

/** Compares length and every known hash the parent lists; throws `length` or `digest`. */
export function refuseOther(bytes: Uint8Array, named: MetaFile, subject: Subject): void {
  if (named.length !== undefined && bytes.byteLength !== named.length)
    throw refused(
      'length',
      subject,
      `The ${subject} metadata has ${bytes.byteLength} bytes; ${named.length} were announced.`,
    );
  if (named.digests === undefined) return;
  try {
    checkBytes(bytes, { digests: named.digests });
  } catch (error) {
    throw about(error, subject);
  }
}

/** The version must be exactly the one the parent lists. */
export function refuseVersion(signed: Signed, named: number, subject: Subject): void {
  if (signed.version !== named)
    throw refused(
      'mix-and-match',
      subject,
      `The ${subject} metadata has version ${signed.version}; ${named} was announced.`,
    );
}

/** Valid at the fixed time of the refresh. */
export function refuseExpired(signed: Signed, now: Instant, subject: Subject): void {
  // §5.3.10, §5.4.4, §5.5.6, §5.6.5: the expiry must be higher than the start time; equal is expired.
  if (signed.expires <= now)
    throw refused('expired', subject, `The ${subject} metadata expired at ${instantText(signed.expires)}.`);
}

/** A refusal that knows what it is about. */
export function refused(
  reason: 'rollback' | 'mix-and-match' | 'expired' | 'length',
  subject: Subject,
  message: string,
): Refusal {
  return new Refusal(reason, message, { subject });
}

/** Work whose refusals say what they are about. */
export function* concerning<T>(subject: Subject, inner: Sliced<T>): Sliced<T> {
  try {
    return yield* inner;
  } catch (error) {
    throw about(error, subject);
  }
}
