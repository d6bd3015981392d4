import { Histogram, type Registry } from 'prom-client';
import { labelled, Series } from './series.ts';

/** A histogram of seconds by one label, for what happens with every answer. */
export interface Durations {
  observe(label: string, seconds: number): void;
  /** Has a series of zeros from now on. */
  begin(label: string): void;
}

interface Naming {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** Upper bounds in rising order. */
  readonly buckets: readonly number[];
}

interface Observed {
  /** By bucket, not cumulative; the last is for what is above them all. */
  readonly counts: number[];
  sum: number;
}

/** Counts by itself, and is a histogram of the registry's whenever that is read. */
export function createDurations(registry: Registry, naming: Naming): Durations {
  const { buckets } = naming;
  const observed = new Series<Observed>(() => ({ counts: [...buckets.map(() => 0), 0], sum: 0 }));
  registry.registerMetric(new Reading(naming, observed));
  return {
    begin: (label) => void observed.at(label),
    observe(label, seconds) {
      const into = observed.at(label);
      let at = 0;
      for (const bound of buckets) {
        if (seconds <= bound) break;
        at++;
      }
      into.counts[at] = (into.counts[at] ?? 0) + 1;
      into.sum += seconds;
    },
  };
}

/** What the registry reads in place of prom-client's own observations. */
class Reading extends Histogram {
  /** Never observes; it knows how a histogram is described. */
  readonly #described: Histogram;
  readonly #naming: Naming;
  readonly #observed: Series<Observed>;

  constructor(naming: Naming, observed: Series<Observed>) {
    const { name, help, label, buckets } = naming;
    const configuration = { name, help, labelNames: [label], buckets: [...buckets], registers: [] };
    super(configuration);
    this.#described = new Histogram(configuration);
    this.#naming = naming;
    this.#observed = observed;
  }

  override async get(): ReturnType<Histogram['get']> {
    const { name, label, buckets } = this.#naming;
    const values = [...this.#observed].flatMap(([labels, { counts, sum }]) => {
      const shown = labelled([label], labels);
      let total = 0;
      const cumulative = counts.map((count, at) => {
        total += count;
        return { metricName: `${name}_bucket`, labels: { le: buckets[at] ?? '+Inf', ...shown }, value: total };
      });
      return [
        ...cumulative,
        { metricName: `${name}_sum`, labels: shown, value: sum },
        { metricName: `${name}_count`, labels: shown, value: total },
      ];
    });
    return { ...(await this.#described.get()), values };
  }

  /** The registry prefers this one where it writes text. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get();
  }
}
