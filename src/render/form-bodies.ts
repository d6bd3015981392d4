import { alone } from '../bytes/copy-out-of-pool.ts';
import { existing } from '../bytes/existing.ts';
import { hashOfBody } from './bodies.ts';
import { compressOne, inflate } from './compress.ts';
import type { Coding } from './negotiate.ts';

/** What a body that is not compressed yet will take: half of the plain one, as pages full of digests do, and a frame. */
const COMPRESSED_SHARE = 2;
const FRAME_BYTES = 128;

export interface FormFacts {
  /** Of the plain body: validators are made of it. */
  readonly hash: string;
  /** Bytes of the plain body. */
  readonly length: number;
}

type AtHand = Readonly<Partial<Record<Coding, Uint8Array | undefined>>>;
type Compressed = Exclude<Coding, 'identity'>;

/**
 * One form's bodies. Small ones are compressed when somebody first asks for that coding, and kept: their room is weighed from the
 * beginning. Invariant: the plain body or the one in gzip is at hand; a lean one lacks the plain body.
 */
export class FormBodies implements FormFacts {
  readonly hash: string;
  readonly length: number;
  readonly identity: Uint8Array | undefined;
  #gzip: Uint8Array | undefined;
  #zstd: Uint8Array | undefined;

  constructor({ hash, length }: FormFacts, { identity, gzip, zstd }: AtHand) {
    if (identity === undefined && gzip === undefined) throw new TypeError('a form of which no body is at hand');
    this.hash = hash;
    this.length = length;
    this.identity = identity;
    this.#gzip = gzip;
    this.#zstd = zstd;
  }

  /** The body, if it is at hand. */
  at(coding: Coding): Uint8Array | undefined {
    if (coding === 'identity') return this.identity;
    return coding === 'gzip' ? this.#gzip : this.#zstd;
  }

  /** Bytes held, and those set aside for what may be compressed later. */
  get size(): number {
    const later = Math.ceil(this.length / COMPRESSED_SHARE) + FRAME_BYTES;
    return [this.identity?.byteLength ?? 0, this.#gzip?.byteLength ?? later, this.#zstd?.byteLength ?? later].reduce(
      (sum, bytes) => sum + bytes,
    );
  }

  /** The body in this coding, made where it is not at hand. Throws where that takes a plain body that is not there. */
  compressed(coding: Compressed): Uint8Array {
    const known = this.at(coding);
    if (known !== undefined) return known;
    return this.#compress(coding, existing(this.identity, `a lean form has no body in ${coding}`));
  }

  /** These bodies with that of this coding at hand: themselves, except where it is the plain one, which is not kept. */
  async with(coding: Coding): Promise<FormBodies> {
    if (this.at(coding) !== undefined) return this;
    if (coding === 'identity') return this.#bodies(await this.#inflated());
    this.#compress(coding, this.identity ?? (await this.#inflated()));
    return this;
  }

  /** Without the plain body. */
  lean(): FormBodies {
    this.compressed('gzip');
    return this.#bodies(undefined);
  }

  #bodies(identity: Uint8Array | undefined): FormBodies {
    return new FormBodies(this, { identity, gzip: this.#gzip, zstd: this.#zstd });
  }

  #compress(coding: Compressed, identity: Uint8Array): Uint8Array {
    const body = alone(compressOne(coding, identity));
    if (coding === 'gzip') this.#gzip = body;
    else this.#zstd = body;
    return body;
  }

  async #inflated(): Promise<Uint8Array> {
    const identity = await inflate(this.compressed('gzip'), this.length);
    if (hashOfBody(identity) !== this.hash) throw new Error('a body in memory is not what it was compressed from');
    return identity;
  }
}
