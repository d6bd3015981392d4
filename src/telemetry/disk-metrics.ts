import { Gauge, type Registry } from 'prom-client';
import type { Label } from './labels.ts';

export interface StoreSizes {
  readonly bytes: number;
  readonly files: number;
  readonly limitBytes: number;
  /** Bytes counted for each. */
  readonly byIndex: ReadonlyMap<string, number>;
  /** Of downloads that were given up. */
  readonly partials: { readonly count: number; readonly bytes: number };
}

export interface DiskPart {
  readonly part: string;
  /** Empty where all share it. */
  readonly index: string;
  readonly bytes: number;
}

/** Several processes share one store: what one of them knows is not added up. */
export function watchStore(registry: Registry, read: () => StoreSizes, indexOf: Label): void {
  const gauge = (name: string, help: string, value: (sizes: StoreSizes) => number) =>
    new Gauge({
      name: `verbatim_store_${name}`,
      help,
      registers: [registry],
      aggregator: 'max',
      collect() {
        this.set(value(read()));
      },
    });
  gauge('bytes', 'Bytes of proved files held.', (sizes) => sizes.bytes);
  gauge('files', 'Proved files held.', (sizes) => sizes.files);
  gauge('limit_bytes', 'Most bytes the store may hold.', (sizes) => sizes.limitBytes);
  gauge('partials', 'Downloads given up and kept to go on from.', (sizes) => sizes.partials.count);
  gauge('partial_bytes', 'Bytes of those.', (sizes) => sizes.partials.bytes);
  new Gauge({
    name: 'verbatim_store_index_bytes',
    help: 'Bytes of proved files counted for each index.',
    labelNames: ['index'],
    registers: [registry],
    aggregator: 'max',
    collect() {
      for (const [name, bytes] of read().byIndex) this.set({ index: indexOf(name) }, bytes);
    },
  });
}

/** All processes on a data directory see the same. */
export function watchDisk(registry: Registry, read: () => Promise<readonly DiskPart[]>, indexOf: Label): void {
  new Gauge({
    name: 'verbatim_disk_bytes',
    help: 'Bytes on disk besides fetched files: state of each index, records, drawn pages, what was set aside.',
    labelNames: ['part', 'index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { part, index, bytes } of await read()) this.set({ part, index: indexOf(index) }, bytes);
    },
  });
}
