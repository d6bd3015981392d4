import { Gauge, type Registry } from 'prom-client';

/** What is told of an index by its configuration. */
export interface AboutIndex {
  readonly name: string;
  /** What its files are believed by. */
  readonly evidence: string;
  /** Seconds after which upstream is asked again when somebody asks. */
  readonly refreshSeconds: number;
}

/** All processes have the same configuration. */
export function sayIndexes(registry: Registry, indexes: readonly AboutIndex[]): void {
  const registers = [registry];
  const info = new Gauge({
    name: 'verbatim_index_info',
    help: 'Always 1: each configured index, and the evidence that its files are believed by (docs/trust.md).',
    labelNames: ['index', 'evidence'],
    registers,
    aggregator: 'max',
  });
  const refresh = new Gauge({
    name: 'verbatim_index_refresh_seconds',
    help: 'Seconds after which upstream is asked again when somebody asks (refresh, max_age).',
    labelNames: ['index'],
    registers,
    aggregator: 'max',
  });
  for (const { name, evidence, refreshSeconds } of indexes) {
    info.set({ index: name, evidence }, 1);
    refresh.set({ index: name }, refreshSeconds);
  }
}
