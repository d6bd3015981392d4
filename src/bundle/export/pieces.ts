import { startSha256 } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { LIMITS } from '../format/limits.ts';
import type { Piece } from '../format/model.ts';
import type { BundleOutput, GrowingFile } from './places.ts';

export const BUNDLE_NAME = 'bundle.tar';

/** Into which files a bundle is cut. */
export interface Cut {
  /** Of the head and the body in one file. */
  readonly isWhole: boolean;
  /** Bytes of each piece of the body. */
  readonly sizes: readonly number[];
}

/** `pieceSize`: the most bytes that one file may have. `headBytes`: what the head would have, with so many pieces. Throws `limit`. */
export function cutInto(
  body: number,
  pieceSize: number | undefined,
  headBytes: (sizes: readonly number[]) => number,
): Cut {
  const whole = { isWhole: true, sizes: [body] };
  if (pieceSize === undefined || headBytes(whole.sizes) + body <= pieceSize) return whole;
  const count = Math.ceil(body / pieceSize);
  if (count > LIMITS.pieces)
    throw new Refusal('limit', `A bundle has at most ${LIMITS.pieces} pieces; make them larger.`);
  const sizes = Array.from({ length: count }, (_, at) => Math.min(pieceSize, body - at * pieceSize));
  const head = headBytes(sizes);
  if (head > pieceSize)
    throw new Refusal(
      'limit',
      `What comes before the pieces has ${head} bytes, which is more than one piece may have.`,
    );
  return { isWhole: false, sizes };
}

/** The name of a file of a bundle in pieces: 0 for what comes before the body. */
export function pieceName(piece: number): string {
  return `${BUNDLE_NAME}.${String(piece).padStart(3, '0')}`;
}

/** Writes the body of a bundle into its files, and the digest of each piece as it goes. */
export class PieceWriter {
  readonly #output: BundleOutput;
  readonly #cut: Cut;
  /** In one file with the head, which is written last. */
  readonly #whole: { readonly file: GrowingFile; readonly headBytes: number } | undefined;
  readonly #pieces: Piece[] = [];
  #file: GrowingFile | undefined;
  #hash = startSha256();
  #done = 0;

  constructor(output: BundleOutput, cut: Cut, whole?: { readonly file: GrowingFile; readonly headBytes: number }) {
    this.#output = output;
    this.#cut = cut;
    this.#whole = whole;
  }

  async take(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      const size = existing(this.#cut.sizes[this.#pieces.length], 'a body is longer than it was to be');
      const part = bytes.subarray(at, at + size - this.#done);
      await this.#write(part);
      this.#hash.update(part);
      this.#done += part.byteLength;
      at += part.byteLength;
      if (this.#done === size) this.#end(size);
    }
  }

  finish(): readonly Piece[] {
    if (this.#pieces.length !== this.#cut.sizes.length) throw new TypeError('a body is shorter than it was to be');
    return this.#pieces;
  }

  async #write(part: Uint8Array): Promise<void> {
    if (this.#whole !== undefined) {
      await this.#whole.file.write(part, this.#whole.headBytes + this.#done);
      return;
    }
    this.#file ??= await this.#output.create(pieceName(this.#pieces.length + 1));
    await this.#file.append(part);
  }

  #end(size: number): void {
    this.#pieces.push({ piece: this.#pieces.length + 1, size, sha256: this.#hash.hex() });
    this.#hash = startSha256();
    this.#file = undefined;
    this.#done = 0;
  }
}
