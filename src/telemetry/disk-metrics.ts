import { Gauge, type Registry } from 'prom-client';
import type { Label } from './labels.ts';

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
    help: 'Bytes on disk besides fetched files: state of each index, records, drawn pages, what was set aside.',
    labelNames: ['part', 'index'],
    registers: [registry],
    aggregator: 'max',
    async collect() {
      for (const { part, index, bytes } of await read()) this.set({ part, index: indexOf(index) }, bytes);
    },
  });
}
