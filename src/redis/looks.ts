import type { RedisConnection } from './connection.ts';
import { LOOK_EVERY_MS, LOOKS_APART_MS } from './limits.ts';

interface LooksOptions {
  readonly connection: RedisConnection;
  readonly channel: string;
  /** Names what all replicas of an index have in common, by index. */
  readonly subjects: ReadonlyMap<string, string>;
  look(index: string): Promise<void>;
  /** Milliseconds between two looks that nobody asked for. */
  readonly everyMs?: number | undefined;
}

/**
 * Has each index look into Redis: twice a second, and at once when another replica says that there is something. A word is a reason to look
 * and nothing more, so that it needs no seal; one look at a time, and however many words come, looks keep apart.
 */
export class Looks {
  readonly #options: LooksOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #underway = new Map<string, Promise<void>>();
  readonly #waiting = new Map<string, NodeJS.Timeout>();
  readonly #lookedAt = new Map<string, number>();

  constructor(options: LooksOptions) {
    this.#options = options;
    const { connection, channel, subjects, everyMs = LOOK_EVERY_MS } = options;
    connection.listen(channel, (message) => this.#heard(message.toString('latin1')));
    this.#timer = setInterval(() => {
      for (const index of subjects.keys()) this.soon(index);
    }, everyMs).unref();
  }

  /** Others look. */
  tell(index: string): void {
    const { connection, channel, subjects } = this.#options;
    const subject = subjects.get(index);
    if (subject !== undefined) void connection.ask('PUBLISH', channel, subject);
  }

  /** One look, as soon as looks may follow on each other. */
  soon(index: string): void {
    if (this.#waiting.has(index) || !this.#options.connection.isUp) return;
    const apart = (this.#lookedAt.get(index) ?? Number.NEGATIVE_INFINITY) + LOOKS_APART_MS - performance.now();
    const begin = () => {
      this.#waiting.delete(index);
      void this.now(index);
    };
    this.#waiting.set(index, setTimeout(begin, Math.max(0, apart)).unref());
  }

  /** Resolves when a look that began after this is over. */
  async now(index: string): Promise<void> {
    await this.#underway.get(index);
    const joined = this.#underway.get(index);
    if (joined !== undefined) return joined;
    this.#lookedAt.set(index, performance.now());
    const look = this.#options.look(index).finally(() => this.#underway.delete(index));
    this.#underway.set(index, look);
    return look;
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    await Promise.allSettled(this.#underway.values());
  }

  #heard(word: string): void {
    for (const [index, subject] of this.#options.subjects) if (subject === word) this.soon(index);
  }
}
