import type { Blob } from '../../bytes/blob.ts';

/** What is known of a file, before or after its bytes are held: enough for HEAD. */
export interface FileFacts {
  readonly filename: string;
  /** Absent where the file was asked for as a target, by whatever path. */
  readonly project?: string | undefined;
  /** Known before the download where the index states it. */
  readonly size: number | undefined;
  /** Known before the download where the index states it: the tag of a HEAD, and a 304 without a download. */
  readonly sha256?: string | undefined;
  readonly held: boolean;
  /** The bytes, proved whole; downloads them where they are not held. Shared by everybody who asks. */
  open(): Promise<Blob>;
}

let make: (facts: FileFacts) => FileAnswer;

/** A file that a believed page or a verified role lists. */
export class FileAnswer implements FileFacts {
  readonly #facts: FileFacts;

  private constructor(facts: FileFacts) {
    this.#facts = facts;
  }

  static {
    make = (facts) => new FileAnswer(facts);
  }

  static is(value: unknown): value is FileAnswer {
    return typeof value === 'object' && value !== null && #facts in value;
  }

  get filename(): string {
    return this.#facts.filename;
  }

  get project(): string | undefined {
    return this.#facts.project;
  }

  get size(): number | undefined {
    return this.#facts.size;
  }

  get sha256(): string | undefined {
    return this.#facts.sha256;
  }

  get held(): boolean {
    return this.#facts.held;
  }

  open(): Promise<Blob> {
    return this.#facts.open();
  }
}

/** Who may import this: test/architecture/makers.ts. */
export function makeFileAnswer(facts: FileFacts): FileAnswer {
  return make({ ...facts });
}
