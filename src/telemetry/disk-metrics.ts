import { Gauge, type Registry } from 'prom-client';
import { KEPT_KINDS } from '../ports/state-room.ts';
import { type Label, oneOf } from './labels.ts';

export interface DiskPart {
  readonly part: string;
  /** Empty where all share it. */
  readonly index: string;
  readonly bytes: number;
}

/** All processes on a data directory see the same. */
export function watchDisk(registry: Registry, read: () => Promise<readonly DiskPart[]>, indexOf: Label): void {
  new Gauge({
    name: 'verbatim_disk_bytes',
    help: 'Bytes on disk besides fetched files: state of each index (pages, pins, signed metadata), records, drawn pages, what was set aside because it was wrong (quarantine), what is remembered of bundles (exports), which files were used last (use).',
    labelNames: ['part', 'index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { part, index, bytes } of await read()) this.set({ part, index: indexOf(index) }, bytes);
    },
  });
}

export interface KeptPart {
  readonly kind: (typeof KEPT_KINDS)[number];
  /** Empty where all share it. */
  readonly index: string;
  readonly entries: number;
  readonly bytes: number;
  readonly limit: number | undefined;
}

/** The same. */
export function watchKept(registry: Registry, read: () => Promise<readonly KeptPart[]>, indexOf: Label): void {
  const kindOf = oneOf(KEPT_KINDS);
  const gauge = (name: string, help: string, value: (kept: KeptPart) => number | undefined) =>
    new Gauge({
      name: `verbatim_kept_${name}`,
      help,
      labelNames: ['kind', 'index'],
      registers: [registry],
      aggregator: 'max',
      async collect() {
        for (const kept of await read()) {
          const found = value(kept);
          if (found !== undefined) this.set({ kind: kindOf(kept.kind), index: indexOf(kept.index) }, found);
        }
      },
    });
  gauge(
    'bytes',
    'Bytes of what is remembered, by kind: state is all of an index, and of it pages, floors (left of pages that were let go), pins, trust (signed metadata, the list of projects); lines of records: journal, access, tally, news, requests.',
    (kept) => kept.bytes,
  );
  gauge(
    'entries',
    'How many there are of each kind: a page or a floor and the pins of each project, lines of records.',
    (kept) => kept.entries,
  );
  gauge('limit_bytes', 'Most bytes of each kind that has a limit of its own.', (kept) => kept.limit);
}
