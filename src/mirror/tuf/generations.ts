import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { LastError } from '../evidence.ts';

// What is read off a generation as a whole.

/** The first of the four top-level roles to expire; delegated roles are compared where they are used. */
export function earliestExpiry({ root, timestamp, snapshot, targets }: Generation): Instant {
  return Math.min(root.signed.expires, timestamp.signed.expires, snapshot.signed.expires, targets.signed.expires);
}

export function expiries({ root, timestamp, snapshot, targets }: Generation): ReadonlyMap<string, Instant> {
  return new Map([root, timestamp, snapshot, targets].map(({ signed }) => [signed.type, signed.expires]));
}

export function versions({ root, timestamp, snapshot, targets }: Generation): ReadonlyMap<string, number> {
  return new Map([root, timestamp, snapshot, targets].map(({ signed }) => [signed.type, signed.version]));
}

/** There is nobody to ask for a newer one. */
export function expiredOffline(at: Instant): Refusal {
  return new Refusal(
    'expired',
    `The signed metadata that is held expired at ${instantText(at)}, and this mirror was told to ask no upstream (offline).`,
    { subject: 'timestamp' },
  );
}

export function lastErrorOf(error: unknown, at: Instant): LastError {
  if (error instanceof Refusal) return { reason: error.reason, message: error.message, at, subject: error.subject };
  return { reason: 'unreachable', message: error instanceof Error ? error.message : String(error), at };
}
