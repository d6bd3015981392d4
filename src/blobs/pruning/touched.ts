/** Blobs that are remembered as touched; past them everything counts as that. */
const MOST = 1_000_000;

/** Which blobs were stored, used or kept since it was made. */
export class Touched {
  readonly #most: number;
  readonly #names = new Set<string>();

  constructor(most = MOST) {
    this.#most = most;
  }

  add(sha256: string): void {
    if (this.#names.size <= this.#most) this.#names.add(sha256);
  }

  has(sha256: string): boolean {
    return this.#names.size > this.#most || this.#names.has(sha256);
  }
}
