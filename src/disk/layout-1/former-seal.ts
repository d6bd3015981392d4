import { createHmac, timingSafeEqual } from 'node:crypto';

/** The seal of layout 1: one HMAC over the index, the item, its number and its bytes. It is only looked at, never made. */
export class FormerSeal {
  readonly #key: Uint8Array;

  constructor(sealKey: Uint8Array) {
    this.#key = createHmac('sha256', sealKey).update('verbatim data directory').digest();
  }

  holds(context: readonly (string | number)[], parts: readonly Uint8Array[], seal: unknown): boolean {
    // JSON holds no raw line break, so the context ends where the bytes begin.
    const mac = createHmac('sha256', this.#key).update(`${JSON.stringify(context)}\n`);
    for (const part of parts) mac.update(part);
    const own = Buffer.from(mac.digest('hex'));
    return typeof seal === 'string' && seal.length === own.length && timingSafeEqual(Buffer.from(seal), own);
  }
}
