/** Bytes that come in pieces of one size and are read in pieces of another; no more than one piece is in memory. */
export class Incoming {
  #piece: Uint8Array = new Uint8Array();
  #at = 0;
  #ended = false;
  /** Called when a piece, or the end, has come. */
  #arrived: (() => void) | undefined;
  /** Called when the last piece was read. */
  #consumed: (() => void) | undefined;

  /** Resolves when all of it was read. */
  feed(piece: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#piece = piece;
      this.#at = 0;
      this.#consumed = resolve;
      if (piece.byteLength === 0) this.#consume();
      this.#arrived?.();
    });
  }

  end(): void {
    this.#ended = true;
    this.#arrived?.();
  }

  /** The next bytes, at most so many; undefined at the end. They may be used until the next are asked for. */
  async next(most: number): Promise<Uint8Array | undefined> {
    for (;;) {
      const left = this.#piece.byteLength - this.#at;
      if (left > 0) {
        const part = this.#piece.subarray(this.#at, this.#at + Math.min(left, most));
        this.#at += part.byteLength;
        return part;
      }
      this.#consume();
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      this.#arrived = undefined;
    }
  }

  /** Exactly so many bytes in pieces; undefined where they end before. */
  async *pieces(length: number): AsyncGenerator<Uint8Array, boolean, undefined> {
    for (let left = length; left > 0; ) {
      const part = await this.next(left);
      if (part === undefined) return false;
      left -= part.byteLength;
      yield part;
    }
    return true;
  }

  #consume(): void {
    this.#consumed?.();
    this.#consumed = undefined;
  }
}
