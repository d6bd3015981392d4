import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from '../../bytes/refusal.ts';

/** What a seal is made over besides the bytes: kind of state, index, item and number, so that no file can stand in for another. */
export type SealContext = readonly (string | number)[];

/** A MAC of our own over state that nobody else signs (DESIGN §8 "seal"). */
export interface Seal {
  of(context: SealContext, parts: readonly Uint8Array[]): string;
  holds(context: SealContext, parts: readonly Uint8Array[], seal: unknown): boolean;
}

const LEAST_KEY_BYTES = 16;

/** HMAC-SHA256 under a key derived for the data directory alone. Throws Refusal `state` for a key too short to be one. */
export function createSeal(sealKey: Uint8Array): Seal {
  if (sealKey.byteLength < LEAST_KEY_BYTES)
    throw new Refusal(
      'state',
      `The seal key has ${sealKey.byteLength} bytes; it needs at least ${LEAST_KEY_BYTES} that nobody can guess.`,
      { subject: 'state' },
    );
  const key = createHmac('sha256', sealKey).update('verbatim data directory').digest();
  const of = (context: SealContext, parts: readonly Uint8Array[]): string => {
    // JSON holds no raw line break, so the context ends where the bytes begin.
    const mac = createHmac('sha256', key).update(`${JSON.stringify(context)}\n`);
    for (const part of parts) mac.update(part);
    return mac.digest('hex');
  };
  return {
    of,
    holds(context, parts, seal) {
      const own = Buffer.from(of(context, parts));
      return typeof seal === 'string' && seal.length === own.length && timingSafeEqual(Buffer.from(seal), own);
    },
  };
}

/** What keeps one item of state from being forged, or an older one of our own from being put back. */
export interface Guard {
  seal(number: number, parts: readonly Uint8Array[]): string;
  holds(number: number, parts: readonly Uint8Array[], seal: unknown): boolean;
  /** The lowest number that may be believed; `again` also asks what other processes did since. */
  atLeast(again?: 'again'): Promise<number>;
  /** The item has this number now. Durable when it resolves. */
  moved(number: number): Promise<void>;
}

/** Throws Refusal `state` unless the seal is what it has to be: there and right under a guard, not there without one. */
export function checkSeal(
  guard: Guard | undefined,
  at: { readonly path: string; readonly what: string; readonly number: number },
  parts: readonly Uint8Array[],
  seal: unknown,
): void {
  if (guard === undefined) {
    if (seal !== undefined) throw keyMissing(at.path, at.what);
    return;
  }
  if (seal === undefined) throw notSealed(at.path, at.what);
  if (!guard.holds(at.number, parts, seal))
    throw refuse(
      `${at.path} holds ${at.what}, but its seal does not fit: somebody else wrote it, or the seal key is another one. Nothing is served on a guess. Restore it, or the key; what cannot be restored is given up by: ${ACCEPT_STATE_LOSS}`,
    );
}

export const ACCEPT_STATE_LOSS = 'verbatim accept-state-loss INDEX --reason "..."';

/** Sealed state that is older than what was noted of it elsewhere, or gone. */
export function lostState(path: string, what: string): Refusal {
  return refuse(
    `${path} is missing, or older than it was: it held ${what}, and the sealed record knows a newer one. Nothing is served on a guess. Restore the whole data directory; what cannot be restored is given up by: ${ACCEPT_STATE_LOSS}`,
  );
}

/** State without a seal under a key. */
export function notSealed(path: string, what: string): Refusal {
  return refuse(
    `${path} holds ${what}, without a seal, although a seal key is configured. If the key is new here, seal what is there: verbatim accept-state-loss INDEX --adopt --reason "...". If it is not, somebody else wrote this.`,
  );
}

function keyMissing(path: string, what: string): Refusal {
  return refuse(
    `${path} holds ${what}, under a seal, but no seal key is configured. Configure the key again; to go on without one: verbatim accept-state-loss INDEX --adopt --reason "..."`,
  );
}

function refuse(message: string): Refusal {
  return new Refusal('state', message, { subject: 'state' });
}
