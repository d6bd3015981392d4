import type { Blob } from '../../ports/blob.ts';
import type { CarriedLabel } from '../../pypi/listing.ts';

interface Parts {
  readonly filename: string;
  readonly project: string | undefined;
  readonly size: number | undefined;
  readonly sha256: string | undefined;
  readonly stored: boolean;
  readonly firstSight?: boolean | undefined;
  readonly carried?: CarriedLabel | undefined;
  readonly removed?: boolean | undefined;
  readonly open: () => Promise<Blob>;
}

let make: (parts: Parts) => FileAnswer;

/** A file that a believed page or a signed role lists, before or after its bytes are stored: enough for HEAD. */
export class FileAnswer {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static {
    make = (parts) => new FileAnswer(parts);
  }

  static is(value: unknown): value is FileAnswer {
    return typeof value === 'object' && value !== null && #parts in value;
  }

  get filename(): string {
    return this.#parts.filename;
  }

  /** Whose file it is; undefined for core metadata, and for a target that is no project's. */
  get project(): string | undefined {
    return this.#parts.project;
  }

  /** Bytes; known before the download where the index states it. */
  get size(): number | undefined {
    return this.#parts.size;
  }

  /** Known before the download where the index states it: the tag of a HEAD, and a 304 without a download. */
  get sha256(): string | undefined {
    return this.#parts.sha256;
  }

  /** On disk when it was asked for; a hint. */
  get stored(): boolean {
    return this.#parts.stored;
  }

  /** Nobody but this mirror states what it is: it is, or is held to, what it was when it was first seen here. */
  get firstSight(): boolean {
    return this.#parts.firstSight === true;
  }

  /** Upstream states no digest of it, and a signed manifest does. */
  get carried(): CarriedLabel | undefined {
    return this.#parts.carried;
  }

  /** Upstream lists it no more; its bytes are what was proved when it did. */
  get removed(): boolean {
    return this.#parts.removed === true;
  }

  /** The bytes, proved whole; downloaded where they are not stored, once for everybody who asks. */
  open(): Promise<Blob> {
    return this.#parts.open();
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeFileAnswer(parts: Parts): FileAnswer {
  return make(parts);
}
