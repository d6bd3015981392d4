import { randomBytes } from 'node:crypto';
import { within } from '../async/timeout.ts';
import { nameOfKey } from '../ports/byte-cache.ts';
import type { Emit, LeaseResult } from '../ports/events.ts';
import type { HeldElsewhere, Holding, Lease } from '../ports/lease.ts';
import type { RedisConnection } from './connection.ts';
import { LEASE_LOOK_MS, LEASE_RENEWED_MS, LEASE_TERM_MS, MOST_OWED } from './limits.ts';

/** Only its own; told to whoever waits. */
const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1`;

/** Its own goes on; one that was lost is taken again where nobody has it. */
const RENEW = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

interface RedisLeaseOptions {
  readonly connection: RedisConnection;
  readonly prefix: string;
  /** Whose the keys are: the same key of another place is another. */
  readonly place: string;
  readonly emit: Emit;
}

interface Token {
  readonly name: string;
  readonly token: string;
}

/** No Redis: whoever asks may work. */
const ALONE: Holding = { held: true, sure: false, release: async () => undefined };

/**
 * Keys in Redis, held by random tokens. A request whose answer did not come may have taken the key all the same: it is held until it is
 * released, and what could not be released while Redis was away is released when it is back.
 */
export class RedisLease implements Lease {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #place: string;
  readonly #emit: Emit;
  /** By token. */
  readonly #held = new Map<string, Token>();
  readonly #owed = new Map<string, Token>();
  readonly #waits = new Map<string, Set<() => void>>();
  readonly #timer: NodeJS.Timeout;

  constructor({ connection, prefix, place, emit }: RedisLeaseOptions) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#place = place;
    this.#emit = emit;
    this.#timer = setInterval(() => void this.renew(), LEASE_RENEWED_MS).unref();
    connection.listen(this.#channel, (message) => this.#wake(message.toString('latin1')));
    connection.onReady(() => void this.#settle());
  }

  async take(key: string): Promise<Holding | HeldElsewhere> {
    const name = nameOfKey([this.#place, key]);
    const token = randomBytes(16).toString('hex');
    const asked = await this.#connection.ask('SET', this.#keyOf(name), token, 'NX', 'PX', LEASE_TERM_MS);
    if (asked.outcome === 'answered' && asked.reply === null) return this.#told('elsewhere', ELSEWHERE);
    if (asked.outcome === 'away' || asked.outcome === 'refused') return this.#told('alone', ALONE);
    const taken: Token = { name, token };
    this.#held.set(token, taken);
    const sure = asked.outcome === 'answered';
    const holding: Holding = { held: true, sure, release: () => this.#release(taken) };
    return this.#told(sure ? 'granted' : 'alone', holding);
  }

  async ended(key: string, signal: AbortSignal): Promise<void> {
    const name = nameOfKey([this.#place, key]);
    while (!signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // Before it is looked for: what is released in between is heard.
      const waits = this.#waits.get(name) ?? new Set();
      const wake = () => resolve();
      this.#waits.set(name, waits.add(wake));
      signal.addEventListener('abort', wake, { once: true });
      try {
        const there = await this.#connection.ask('EXISTS', this.#keyOf(name));
        if (there.outcome !== 'answered' || there.reply !== 1) return;
        await within(LEASE_LOOK_MS, promise, undefined);
      } finally {
        signal.removeEventListener('abort', wake);
        waits.delete(wake);
        if (waits.size === 0 && this.#waits.get(name) === waits) this.#waits.delete(name);
      }
    }
  }

  /** Prolongs what is held, and gives up what is owed. */
  async renew(): Promise<void> {
    await Promise.all([...this.#held.values()].map((taken) => this.#prolong(taken)));
    await this.#settle();
  }

  /** Gives everything up. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([...this.#held.values()].map((taken) => this.#release(taken)));
  }

  async #prolong(taken: Token): Promise<void> {
    const { name, token } = taken;
    const asked = await this.#connection.ask('EVAL', RENEW, 1, this.#keyOf(name), token, LEASE_TERM_MS);
    const isLost = asked.outcome === 'answered' && asked.reply === 0;
    if (isLost && this.#held.delete(token)) this.#emit({ name: 'leased', result: 'lost' });
    // It was given up while this was under way, and may have been taken anew by it.
    else if (!this.#held.has(token)) this.#owe(taken);
  }

  async #release(taken: Token): Promise<void> {
    if (!this.#held.delete(taken.token)) return;
    if (!(await this.#giveUp(taken))) this.#owe(taken);
  }

  /** False where nobody knows what became of it. */
  async #giveUp({ name, token }: Token): Promise<boolean> {
    const asked = await this.#connection.ask('EVAL', RELEASE, 1, this.#keyOf(name), token, this.#channel, name);
    return asked.outcome === 'answered';
  }

  /** What is released too late ends with its term: the oldest are forgotten first. */
  #owe(taken: Token): void {
    this.#owed.set(taken.token, taken);
    const [oldest] = this.#owed.keys();
    if (this.#owed.size > MOST_OWED && oldest !== undefined) this.#owed.delete(oldest);
  }

  async #settle(): Promise<void> {
    await Promise.all(
      [...this.#owed.values()].map(async (taken) => {
        if (await this.#giveUp(taken)) this.#owed.delete(taken.token);
      }),
    );
  }

  #wake(name: string): void {
    for (const wake of this.#waits.get(name) ?? []) wake();
  }

  get #channel(): string {
    return `${this.#prefix}:released`;
  }

  #keyOf(name: string): string {
    return `${this.#prefix}:lease:${name}`;
  }

  #told<T>(result: LeaseResult, answer: T): T {
    this.#emit({ name: 'leased', result });
    return answer;
  }
}

const ELSEWHERE: HeldElsewhere = { held: false, heldBy: undefined };
