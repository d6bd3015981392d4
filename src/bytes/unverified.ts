/**
 * A document that nothing vouches for (legacy JSON, provenance not verified, detached signatures): complete and within
 * its limit, and no more than that. Never immutable; served with `Verbatim-Evidence: none` (DESIGN §2).
 */
export class Relayed {
  readonly #relayed = true;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Seconds it may be kept. */
  readonly maxAge: number;
  /** PyPI's count of changes that upstream says this document is at; bandersnatch takes none without. */
  readonly serial: number | undefined;

  constructor(bytes: Uint8Array, contentType: string, maxAge: number, serial?: number) {
    this.bytes = bytes;
    this.contentType = contentType;
    this.maxAge = maxAge;
    this.serial = serial;
  }

  static is(value: unknown): value is Relayed {
    return typeof value === 'object' && value !== null && #relayed in value;
  }
}
