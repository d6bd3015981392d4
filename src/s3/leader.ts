import { randomUUID } from 'node:crypto';
import type { Lease } from '../ports/lease.ts';
import { LEADER_KEPT_MS, LEADER_SLACK_MS, LEADER_TERM_MS, LEASED_WORK_MS } from './limits.ts';
import type { S3ObjectStore } from './object-store.ts';

/** Says whether its caller may go on; to be asked before each step that cannot be taken back. */
export type StillLeads = () => boolean;

/** Who does what one replica alone may do. */
export interface Leader {
  /** Runs it where this one leads, and is true then. Throws ObjectStoreError where that cannot be found out. */
  lead(work: (still: StillLeads) => Promise<void>): Promise<boolean>;
}

const TERMS = 'leader/';
const DIGITS = 12;
const LEASE_KEY = 'bucket eviction';

interface TermsOptions {
  /** Seen to create an object only where there is none: two that create one number are told apart. */
  readonly store: S3ObjectStore;
  readonly replica: string;
  readonly termMs?: number | undefined;
  readonly slackMs?: number | undefined;
}

/**
 * A leader for a term at a time, by numbered objects of the bucket: who creates the next number leads. Others do that once the last one is
 * older than a term, by the store's own clock; its holder counts from before it asked, so that it ends first. Nobody gives a term back:
 * it ends.
 */
export class LeaderByTerms implements Leader {
  readonly #options: TermsOptions;
  readonly #termMs: number;
  #number = 0;
  #until = Number.NEGATIVE_INFINITY;

  constructor(options: TermsOptions) {
    this.#options = options;
    this.#termMs = options.termMs ?? LEADER_TERM_MS;
  }

  async lead(work: (still: StillLeads) => Promise<void>): Promise<boolean> {
    const isLate = performance.now() > this.#until - this.#termMs / 2;
    if (isLate && !(await this.#nextTerm())) return false;
    await work(() => performance.now() < this.#until);
    return true;
  }

  async #nextTerm(): Promise<boolean> {
    const { store, replica, slackMs = LEADER_SLACK_MS } = this.#options;
    const before = await this.#last();
    const isMine = before !== undefined && before.number === this.#number;
    if (before !== undefined && !isMine && before.ageMs < this.#termMs + slackMs) return false;
    const number = (before?.number ?? 0) + 1;
    const until = performance.now() + this.#termMs;
    const term = Buffer.from(JSON.stringify({ replica, token: randomUUID() }));
    if ((await store.create(keyOf(number), term)) === 'taken') return false;
    // Whoever read an old list may have created a number that was long ago: only the last one leads.
    if ((await this.#last())?.number !== number) return false;
    [this.#number, this.#until] = [number, until];
    return true;
  }

  async #last(): Promise<{ readonly number: number; readonly ageMs: number } | undefined> {
    const { store } = this.#options;
    let last: { readonly number: number; readonly ageMs: number } | undefined;
    const ended: string[] = [];
    for await (const { key, ageMs } of store.aged(TERMS)) {
      const number = Number(/^leader\/([0-9]{12})$/.exec(key)?.[1] ?? Number.NaN);
      if (Number.isNaN(number)) continue;
      if (last !== undefined && last.ageMs > LEADER_KEPT_MS) ended.push(keyOf(last.number));
      last = { number, ageMs };
    }
    for (const key of ended) await store.remove(key);
    return last;
  }
}

function keyOf(number: number): string {
  return TERMS + String(number).padStart(DIGITS, '0');
}

/** A leader by a lease of another service, for a part of its term at a time. One that nobody was asked about leads nothing. */
export class LeaderByLease implements Leader {
  readonly #lease: Lease;

  constructor(lease: Lease) {
    this.#lease = lease;
  }

  async lead(work: (still: StillLeads) => Promise<void>): Promise<boolean> {
    const until = performance.now() + LEASED_WORK_MS;
    const taken = await this.#lease.take(LEASE_KEY);
    if (!taken.held) return false;
    try {
      if (!taken.sure) return false;
      await work(() => performance.now() < until);
      return true;
    } finally {
      await taken.release();
    }
  }
}
