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

interface CommonMetricsOptions<Process> {
  /** The supervisor's own. */
  readonly own: Metrics;
  readonly processes: () => readonly Process[];
  readonly scrapeMs?: number | undefined;
}

/** What GET /metrics answers for all processes at once. */
export class CommonMetrics<Process extends Scraped> {
  readonly contentType: string;
  readonly #options: CommonMetricsOptions<Process>;
  readonly #several = new SeveralProcesses<Process>();
  #scraping: Promise<string> | undefined;

  constructor(options: CommonMetricsOptions<Process>) {
    this.#options = options;
    this.contentType = options.own.exposition.contentType;
  }

  heard(process: Process, readings: Readings): void {
    this.#several.heard(process, readings);
  }

  ended(process: Process): void {
    this.#several.ended(process);
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
    const now = new Map<Process, Readings>();
    await Promise.all(
      processes().map(async (process) => {
        const scraped = process.scrape().catch(() => undefined);
        const readings = await within<Readings | undefined>(scrapeMs, scraped, undefined);
        if (readings !== undefined) now.set(process, readings);
      }),
    );
    return this.#several.text(now, await own.readings.all());
  }
}
