import { codeOf } from '../../disk/file-ops.ts';

/** Milliseconds between two looks. */
const LOOK_EVERY = 15_000;
/** A disk that has taken so long over a few bytes cannot be counted on. Milliseconds. */
const LATE = 60_000;

interface DiskProbeOptions {
  /** Writes something small durably. */
  readonly write: () => Promise<void>;
  /** It could be written to before and cannot now, or again; once a change. Must not throw. */
  readonly onChange: () => void;
  readonly everyMs?: number;
  readonly lateMs?: number;
}

/** Whether the data directory can be written to, by writing to it now and then. */
export class DiskProbe {
  readonly #options: DiskProbeOptions;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #trouble: string | undefined;

  constructor(options: DiskProbeOptions) {
    this.#options = options;
  }

  /** Why it cannot be written to, in a few words; undefined where it can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), this.#options.everyMs ?? LOOK_EVERY).unref();
  }

  /** One write at a time: a disk that stands still is asked once. Never rejects. */
  look(): Promise<void> {
    this.#writing ??= this.#look().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    // A disk that stands still holds no stop up.
    if (this.#trouble === undefined) await this.#writing;
  }

  async #look(): Promise<void> {
    const { write, lateMs = LATE } = this.#options;
    const late = setTimeout(
      () => this.#found(`it has taken ${lateMs / 1000} seconds over a few bytes`),
      lateMs,
    ).unref();
    try {
      await write();
      this.#found(undefined);
    } catch (error) {
      this.#found(codeOf(error) ?? 'an error without a code');
    } finally {
      clearTimeout(late);
    }
  }

  #found(trouble: string | undefined): void {
    const isChange = (trouble === undefined) !== (this.#trouble === undefined);
    this.#trouble = trouble;
    if (isChange) this.#options.onChange();
  }
}
