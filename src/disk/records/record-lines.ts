import { Mutex } from '../../async/mutex.ts';
import type { Instant } from '../../bytes/instant.ts';
import { codeOf } from '../file-ops.ts';
import { LINE_TEXT, LINES_EVERY_MS, LINES_WAITING } from '../limits.ts';
import type { LineKind, RecordsDatabase } from './records-database.ts';

export interface RecordLinesOptions {
  readonly kind: LineKind;
  /** Most bytes that are kept. */
  readonly maxBytes: number;
  /** Lines that say that they are from before this time go. */
  readonly notBefore?: (() => Instant | undefined) | undefined;
}

/** How writing goes. */
export interface Writing {
  /** Times that the disk took nothing, since the start. */
  readonly failures: number;
  /** Lines that nobody will read: too many waited for a disk that took none. */
  readonly lost: number;
  /** Why it took nothing at the last try, in a few words; undefined where it did. */
  readonly trouble: string | undefined;
}

/** Lines of JSON of one kind, written behind: within a second, and at close. */
export class RecordLines {
  readonly #records: RecordsDatabase;
  readonly #options: RecordLinesOptions;
  readonly #mutex = new Mutex();
  #waiting: string[] = [];
  #lost = 0;
  #failures = 0;
  #trouble: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(records: RecordsDatabase, options: RecordLinesOptions) {
    this.#records = records;
    this.#options = options;
  }

  /** Lines that nobody will read: too many waited for a disk that took none. */
  get lost(): number {
    return this.#lost;
  }

  get writing(): Writing {
    return { failures: this.#failures, lost: this.#lost, trouble: this.#trouble };
  }

  /** Never throws and never waits. */
  add(value: Readonly<Record<string, string | number | undefined>>): void {
    this.#waiting.push(JSON.stringify(value, (_, member) => (typeof member === 'string' ? clip(member) : member)));
    this.#trim();
    this.#soon();
  }

  /** Every line that is JSON, oldest first, with what still waits. Throws Refusal. */
  async *read(): AsyncIterable<unknown> {
    for await (const { value } of this.after(0)) yield value;
  }

  /** The same of those that came after the one of this number, each with its own. */
  async *after(number: number): AsyncIterable<{ readonly id: number; readonly value: unknown }> {
    await this.flush();
    for await (const { id, content } of this.#records.lines(this.#options.kind, number)) {
      const value = parse(content);
      if (value !== undefined) yield { id, value };
    }
  }

  /** The newest of them, newest first. Throws Refusal. */
  async latest(most: number): Promise<readonly unknown[]> {
    await this.flush();
    const found = await this.#records.latest(this.#options.kind, most);
    return found.map(parse).filter((value) => value !== undefined);
  }

  /** `ages`: what is too old goes, also where there is nothing new. Throws Refusal where the disk does not take them; they wait on. */
  flush(ages = false): Promise<void> {
    return this.#mutex.run('', async () => {
      if (this.#waiting.length === 0 && !ages) return;
      const lines = this.#waiting;
      this.#waiting = [];
      const { kind, maxBytes, notBefore } = this.#options;
      try {
        await this.#records.append(kind, lines, maxBytes, notBefore?.());
        this.#trouble = undefined;
      } catch (error) {
        this.#failures++;
        this.#trouble = codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : undefined) ?? 'no code';
        this.#waiting = [...lines, ...this.#waiting];
        this.#trim();
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.flush().catch(() => undefined);
  }

  #trim(): void {
    const over = this.#waiting.length - LINES_WAITING;
    if (over <= 0) return;
    this.#waiting = this.#waiting.slice(over);
    this.#lost += over;
  }

  #soon(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(() => this.#soon());
    }, LINES_EVERY_MS).unref();
  }
}

function clip(text: string): string {
  return text.length > LINE_TEXT ? `${text.slice(0, LINE_TEXT)}...` : text;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
