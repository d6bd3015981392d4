import type { Outcome, S3Meter, Verb } from './client.ts';

/** What was asked of a bucket since the start. */
export interface BucketCounts {
  readonly requests: readonly { readonly verb: Verb; readonly outcome: BucketOutcome; readonly count: number }[];
  /** Second requests of slow writes, and those that were quicker. */
  readonly hedges: number;
  readonly hedgesWon: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export const BUCKET_OUTCOMES = ['ok', 'missing', 'refused', 'busy', 'failed'] as const;
export type BucketOutcome = (typeof BUCKET_OUTCOMES)[number];

export class BucketMeter implements S3Meter {
  readonly #requests = new Map<Verb, Map<BucketOutcome, number>>();
  #hedges = 0;
  #hedgesWon = 0;
  #retries = 0;
  readonly #bytes = { in: 0, out: 0 };

  request(verb: Verb, outcome: Outcome): void {
    const byOutcome = this.#requests.get(verb) ?? new Map<BucketOutcome, number>();
    const word = wordOf(outcome);
    byOutcome.set(word, (byOutcome.get(word) ?? 0) + 1);
    this.#requests.set(verb, byOutcome);
  }

  hedge(hasWon: boolean): void {
    this.#hedges++;
    if (hasWon) this.#hedgesWon++;
  }

  retry(): void {
    this.#retries++;
  }

  bytes(direction: 'in' | 'out', bytes: number): void {
    this.#bytes[direction] += bytes;
  }

  counts(): BucketCounts {
    return {
      requests: [...this.#requests].flatMap(([verb, byOutcome]) =>
        [...byOutcome].map(([outcome, count]) => ({ verb, outcome, count })),
      ),
      hedges: this.#hedges,
      hedgesWon: this.#hedgesWon,
      retries: this.#retries,
      bytesIn: this.#bytes.in,
      bytesOut: this.#bytes.out,
    };
  }
}

function wordOf(outcome: Outcome): BucketOutcome {
  if (outcome === 'failed') return 'failed';
  if (outcome < 300) return 'ok';
  if (outcome === 404) return 'missing';
  return outcome >= 500 || outcome === 429 ? 'busy' : 'refused';
}
