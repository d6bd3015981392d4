import { Counter, Gauge, type Registry } from 'prom-client';
import type { Label } from './labels.ts';

/** How one index of a replica stands to its fleet. */
export interface FleetNumbers {
  readonly index: string;
  /** The last entry of the log that is held; undefined before the first look. */
  readonly entry: number | undefined;
  /** When the log was last read to its end, in seconds since the epoch; undefined before. */
  readonly followedAt: number | undefined;
  readonly isAlone: boolean;
  /** Since the start: looks for what others wrote, and those that failed; entries that this process removed. */
  readonly looks: number;
  readonly failedLooks: number;
  readonly removed: number;
}

export function watchFleet(registry: Registry, read: () => readonly FleetNumbers[], indexOf: Label): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: (numbers: FleetNumbers) => number | undefined) =>
    new Gauge({
      name: `verbatim_fleet_${name}`,
      help,
      labelNames: ['index'],
      registers,
      aggregator: 'max',
      collect() {
        this.reset();
        for (const numbers of read()) {
          const now = value(numbers);
          if (now !== undefined) this.set({ index: indexOf(numbers.index) }, now);
        }
      },
    });
  gauge('entry', 'The last entry of the fleet’s log that this replica holds.', ({ entry }) => entry);
  gauge(
    'followed_timestamp_seconds',
    'When the fleet’s log was last read to its end; subtract from time() for how far behind this replica may be.',
    ({ followedAt }) => followedAt,
  );
  gauge('alone', '1 while this replica cannot follow its fleet.', ({ isAlone }) => (isAlone ? 1 : 0));
  const counter = (name: string, help: string, value: (numbers: FleetNumbers) => number) =>
    new Counter({
      name: `verbatim_fleet_${name}_total`,
      help,
      labelNames: ['index'],
      registers,
      collect() {
        this.reset();
        for (const numbers of read()) this.inc({ index: indexOf(numbers.index) }, value(numbers));
      },
    });
  counter('looks', 'Looks for what other replicas wrote.', ({ looks }) => looks);
  counter(
    'failed_looks',
    'Looks for what other replicas wrote that came to nothing.',
    ({ failedLooks }) => failedLooks,
  );
  counter(
    'removed_entries',
    'Entries of the log that this process removed behind snapshots.',
    ({ removed }) => removed,
  );
}
