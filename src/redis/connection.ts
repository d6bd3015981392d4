import { within } from '../async/timeout.ts';
import type { Emit } from '../ports/events.ts';
import type { RedisCommand, RedisOutcome } from '../ports/newest.ts';
import { type Client, createClient } from './clients.ts';
import { LONGEST_WAIT_MS, REST_MS } from './limits.ts';
import type { RedisOptions } from './options.ts';
import { isReply, isUnsent, troubleOf } from './trouble.ts';

export type Reply = { readonly outcome: 'answered'; readonly reply: unknown } | { readonly outcome: Unanswered };
type Unanswered = Exclude<RedisOutcome, 'answered'>;

const LATE = Symbol('late');

/**
 * Redis as it may be asked whatever it does: a command is answered, or fails within one bounded wait, and at once while Redis is
 * known to be away. Never throws. Each command is counted by its outcome, and each change told once.
 */
export class RedisConnection {
  readonly #client: Client;
  readonly #options: RedisOptions;
  readonly #emit: Emit;
  readonly #onReady: (() => void)[] = [];
  readonly #channels = new Map<string, readonly ((message: Buffer) => void)[]>();
  #listener: Client | undefined;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #isUp = false;
  #trouble: string | undefined;
  #why: string | undefined;
  #isClosed = false;

  constructor(options: RedisOptions, emit: Emit) {
    this.#options = options;
    this.#emit = emit;
    this.#client = createClient(options);
    this.#client.on('ready', () => this.#up());
    this.#client.on('error', (error) => this.#heard(error));
    this.#client.on('close', () => this.#down());
  }

  /** It is asked what it is asked. */
  get isUp(): boolean {
    return this.#isUp && performance.now() >= this.#restsUntil;
  }

  /** Why it is away, in words; undefined while it is not. */
  get trouble(): string | undefined {
    return this.#isUp ? undefined : this.#trouble;
  }

  /** Begins to connect, and waits a moment for what comes of it; goes on trying behind the caller. */
  async start(): Promise<void> {
    const first = this.#client.connect().catch((error: unknown) => {
      // What was wrong is told as an event; that it failed is all that is known here.
      this.#why ??= troubleOf(error);
    });
    await within(LONGEST_WAIT_MS, first, undefined);
    if (!this.#isUp) this.#away();
  }

  /** Called at each connection from now on. */
  onReady(then: () => void): void {
    this.#onReady.push(then);
  }

  async ask(command: RedisCommand, ...args: readonly (string | number | Buffer)[]): Promise<Reply> {
    if (!this.isUp) return this.#told(command, 'away');
    try {
      const asked = this.#client.callBuffer(command, ...args);
      // Nobody hears of what fails after its time.
      asked.catch(() => undefined);
      const reply = await within<unknown>(LONGEST_WAIT_MS, asked, LATE);
      if (reply === LATE) {
        this.#restsUntil = performance.now() + REST_MS;
        return this.#told(command, 'unknown');
      }
      this.#emit({ name: 'askedRedis', command, outcome: 'answered' });
      return { outcome: 'answered', reply };
    } catch (error) {
      return this.#told(command, isReply(error) ? 'refused' : isUnsent(error) ? 'away' : 'unknown');
    }
  }

  /** Hears what is published there, on one connection for all that listen; what was published while that was cut is lost. */
  listen(channel: string, heard: (message: Buffer) => void): void {
    this.#listener ??= this.#listening();
    const heards = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, [...heards, heard]);
    if (heards.length === 0) void this.#listener.subscribe(channel).catch(() => undefined);
  }

  /** Nothing waits for what is under way. */
  close(): void {
    this.#isClosed = true;
    this.#client.disconnect();
    this.#listener?.disconnect();
  }

  #listening(): Client {
    const client = createClient(this.#options);
    client.on('error', () => undefined);
    client.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      for (const heard of this.#channels.get(channel.toString()) ?? []) heard(message);
    });
    client.on('ready', () => {
      for (const channel of this.#channels.keys()) void client.subscribe(channel).catch(() => undefined);
    });
    client.connect().catch(() => undefined);
    return client;
  }

  #up(): void {
    this.#restsUntil = Number.NEGATIVE_INFINITY;
    this.#trouble = undefined;
    this.#why = undefined;
    if (!this.#isUp) this.#emit({ name: 'redis', up: true });
    this.#isUp = true;
    for (const then of this.#onReady) then();
  }

  #heard(error: unknown): void {
    this.#why = troubleOf(error);
    if (!this.#isUp) this.#away();
  }

  #down(): void {
    this.#isUp = false;
    this.#away();
  }

  /** Told once for each reason. */
  #away(): void {
    const why = this.#why ?? this.#trouble ?? 'the connection ended';
    if (this.#isClosed || this.#isUp || why === this.#trouble) return;
    this.#trouble = why;
    this.#emit({ name: 'redis', up: false, why });
  }

  #told(command: RedisCommand, outcome: Unanswered): Reply {
    this.#emit({ name: 'askedRedis', command, outcome });
    return { outcome };
  }
}
