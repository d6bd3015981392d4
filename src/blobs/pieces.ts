import { IDLE_PIECES, LARGE_PIECES, PIECE, SMALL_PIECE, UNCOPIED } from './limits.ts';

/**
 * Memory that clients' answers wait in, one piece for each. It grows with the number of readers, so pieces shrink with it.
 * Few readers have none: they are sent what lies in their chunks.
 */
export class Pieces {
  readonly #idle: Buffer[] = [];
  #readers = 0;

  /** A piece for one reader, until `done`; undefined for one that needs none. */
  take(bytes: number): Buffer | undefined {
    this.#readers++;
    if (this.#readers <= UNCOPIED) return undefined;
    const size = this.#readers > LARGE_PIECES ? SMALL_PIECE : PIECE;
    if (bytes < size) return Buffer.allocUnsafe(bytes);
    return (size === PIECE ? this.#idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
  }

  /** Only where whoever was handed it has said of its last use that it is over: a socket may still send it otherwise. */
  giveBack(piece: Buffer): void {
    if (piece.byteLength === PIECE && this.#idle.length < IDLE_PIECES) this.#idle.push(piece);
  }

  /** One reader fewer. */
  done(): void {
    this.#readers--;
  }
}
