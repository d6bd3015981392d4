import { Counter, type Registry } from 'prom-client';
import { labelled, Series } from './series.ts';

/** A counter, of whatever happens however often. */
export interface Tally {
  /** One value for each label name, in their order. */
  add(value: number, first?: string, second?: string, third?: string, fourth?: string): void;
  /** The same where something was added under these before; false, and nothing is added, where nothing was. */
  addAgain(value: number, first?: string, second?: string, third?: string, fourth?: string): boolean;
}

interface Naming {
  readonly name: string;
  readonly help: string;
  /** At most four. */
  readonly labelNames: readonly string[];
}

/** Sums by itself, and is a counter of the registry's whenever that is read. */
export function createTally(registry: Registry, { name, help, labelNames }: Naming): Tally {
  const sums = new Series(() => ({ total: 0 }));
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect() {
      this.reset();
      for (const [values, { total }] of sums) this.inc(labelled(labelNames, values), total);
    },
  });
  return {
    add(value, first, second, third, fourth) {
      sums.at(first, second, third, fourth).total += value;
    },
    addAgain(value, first, second, third, fourth) {
      const sum = sums.find(first, second, third, fourth);
      if (sum === undefined) return false;
      sum.total += value;
      return true;
    },
  };
}
