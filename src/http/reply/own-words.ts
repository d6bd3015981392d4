let make: (text: string, status: number, contentType: string) => OwnWords;

/** A text of this program's own: nothing in it came from an index. */
export class OwnWords {
  readonly #text: string;
  readonly #status: number;
  readonly #contentType: string;

  private constructor(text: string, status: number, contentType: string) {
    this.#text = text;
    this.#status = status;
    this.#contentType = contentType;
  }

  static {
    make = (text, status, contentType) => new OwnWords(text, status, contentType);
  }

  static is(value: unknown): value is OwnWords {
    return typeof value === 'object' && value !== null && #text in value;
  }

  get text(): string {
    return this.#text;
  }

  get status(): number {
    return this.#status;
  }

  get contentType(): string {
    return this.#contentType;
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function ownWords(
  text: string,
  {
    status = 200,
    contentType = 'text/plain; charset=UTF-8',
  }: { readonly status?: number; readonly contentType?: string } = {},
): OwnWords {
  return make(text, status, contentType);
}
