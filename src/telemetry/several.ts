import { AggregatorRegistry, type Registry } from 'prom-client';

/** What one metric of one process says; plain data, as another process is told it. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** How values of several processes become one. */
  readonly aggregator: string;
  readonly values: readonly ReadValue[];
}

interface ReadValue {
  /** Of a histogram: which of its series. */
  readonly metricName?: string | undefined;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What all metrics of a process say, or of several together. */
export type Readings = readonly Reading[];

/**
 * How values become one where neither a sum nor what the library says would be true: when the first process began, and how the event loop
 * of the worst stands.
 */
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['process_start_time_seconds', 'min'],
  ['nodejs_eventloop_lag_seconds', 'max'],
  ['nodejs_eventloop_lag_mean_seconds', 'max'],
  ['nodejs_eventloop_lag_stddev_seconds', 'max'],
  ['nodejs_eventloop_lag_p50_seconds', 'max'],
  ['nodejs_eventloop_lag_p90_seconds', 'max'],
  ['nodejs_eventloop_lag_p99_seconds', 'max'],
]);

/** Everything that a process counts and measures. */
export async function readAll(registry: Registry): Promise<Readings> {
  return (await registry.getMetricsAsJSON()).map(readingOf);
}

/** What only goes up: counters and histograms. No gauge is read for it, which may ask the disk. */
export async function readTotals(registry: Registry): Promise<Readings> {
  const totals = registry.getMetricsAsArray().filter(isTotal);
  const read = await Promise.all(totals.map(({ name }) => registry.getSingleMetric(name)?.get()));
  return read.flatMap((metric) => (metric === undefined ? [] : [readingOf(metric)]));
}

/**
 * The metrics of several processes as one. Of one that has ended, or does not answer, what it counted last stays, so that no counter
 * goes down; its gauges are nobody's.
 */
export class SeveralProcesses<Party> {
  readonly #running = new Map<Party, Readings>();
  #ended: Readings = [];

  /** What it says now. */
  heard(party: Party, readings: Readings): void {
    this.#running.set(party, readings.filter(isTotal));
  }

  ended(party: Party): void {
    const last = this.#running.get(party);
    if (last === undefined) return;
    this.#running.delete(party);
    this.#ended = sumOf(this.#ended, last);
  }

  /** `now`: what those of them said that were asked just now, and answered. */
  text(now: ReadonlyMap<Party, Readings>, own: Readings): Promise<string> {
    const running = [...this.#running].map(([party, totals]) => now.get(party) ?? totals);
    return AggregatorRegistry.aggregate([own, this.#ended, ...running].map((readings) => [...readings])).metrics();
  }
}

function readingOf(metric: Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number]): Reading {
  const { name, help, values } = metric;
  const plain = values.map(({ value, labels, ...rest }): ReadValue => {
    const metricName = 'metricName' in rest && typeof rest.metricName === 'string' ? rest.metricName : undefined;
    const given = Object.entries(labels).filter((label): label is [string, string | number] => label[1] !== undefined);
    return { ...(metricName !== undefined && { metricName }), labels: Object.fromEntries(given), value };
  });
  return { name, help, type: typeOf(metric), aggregator: OTHERWISE.get(name) ?? metric.aggregator, values: plain };
}

function sumOf(one: Readings, other: Readings): Readings {
  const sums = new Map(one.map((reading) => [reading.name, reading]));
  for (const reading of other) {
    const values = new Map<string, ReadValue>();
    for (const each of [...(sums.get(reading.name)?.values ?? []), ...reading.values]) {
      const series = JSON.stringify([each.metricName, Object.entries(each.labels).sort()]);
      values.set(series, { ...each, value: each.value + (values.get(series)?.value ?? 0) });
    }
    sums.set(reading.name, { ...reading, values: [...values.values()] });
  }
  return [...sums.values()];
}

/** The library's declarations say a number, and it a word. */
function typeOf({ type }: { readonly type: unknown }): string {
  return String(type);
}

function isTotal(metric: { readonly type: unknown }): boolean {
  const type = typeOf(metric);
  return type === 'counter' || type === 'histogram';
}
