import { within } from '../../async/timeout.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { type Readings, SeveralProcesses } from '../../telemetry/several.ts';

/** Whoever does not answer in this time stands still: what it counted last is told. Milliseconds. */
const SCRAPE_MS = 2000;

/** A process whose metrics are told with the others'. */
export interface Scraped {
  /** Rejects where it ends first. */
  scrape(): Promise<Readings>;
}

interface CommonMetricsOptions<Party> {
  /** The supervisor's own. */
  readonly own: Metrics;
  readonly processes: () => readonly Party[];
  readonly scrapeMs?: number | undefined;
}

/** What GET /metrics answers for all processes at once. */
export class CommonMetrics<Party extends Scraped> {
  readonly contentType: string;
  readonly #options: CommonMetricsOptions<Party>;
  readonly #several = new SeveralProcesses<Party>();
  #scraping: Promise<string> | undefined;

  constructor(options: CommonMetricsOptions<Party>) {
    this.#options = options;
    this.contentType = options.own.exposition.contentType;
  }

  heard(party: Party, readings: Readings): void {
    this.#several.heard(party, readings);
  }

  ended(party: Party): void {
    this.#several.ended(party);
  }

  /** Of those that ask at once all have the same: no answer is overtaken by an older one. */
  text(): Promise<string> {
    this.#scraping ??= this.#scrape().finally(() => {
      this.#scraping = undefined;
    });
    return this.#scraping;
  }

  async #scrape(): Promise<string> {
    const { own, processes, scrapeMs = SCRAPE_MS } = this.#options;
    const now = new Map<Party, Readings>();
    await Promise.all(
      processes().map(async (party) => {
        const scraped = party.scrape().catch(() => undefined);
        const readings = await within<Readings | undefined>(scrapeMs, scraped, undefined);
        if (readings !== undefined) now.set(party, readings);
      }),
    );
    return this.#several.text(now, await own.readings.all());
  }
}
