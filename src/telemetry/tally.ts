import { Counter, type Registry } from 'prom-client';

/** A counter for what happens with every answer. */
export interface Tally {
  /** One value for each label name, in their order. */
  add(value: number, first: string, second?: string, third?: string): void;
}

interface Naming {
  readonly name: string;
  readonly help: string;
  /** At most three. */
  readonly labelNames: readonly string[];
}

interface Sum {
  readonly labels: Readonly<Record<string, string>>;
  total: number;
}

type Sums = Map<string, Map<string, Map<string, Sum>>>;

/** Sums here and hands them to the registry when it is read: finding a series by its labels costs more than a warm answer. */
export function createTally(registers: Registry[], { name, help, labelNames }: Naming): Tally {
  const sums: Sums = new Map();
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      this.reset();
      for (const second of sums.values())
        for (const third of second.values()) for (const { labels, total } of third.values()) this.inc(labels, total);
    },
  });
  const begin = (first: string, second: string, third: string): Sum => {
    const values = [first, second, third];
    const sum: Sum = {
      labels: Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? ''])),
      total: 0,
    };
    const seconds = inside(sums, first, () => new Map<string, Map<string, Sum>>());
    inside(seconds, second, () => new Map<string, Sum>()).set(third, sum);
    return sum;
  };
  return {
    add(value, first, second = '', third = '') {
      // No key is put together: that would cost as much as the rest of a warm answer's record.
      const sum = sums.get(first)?.get(second)?.get(third) ?? begin(first, second, third);
      sum.total += value;
    },
  };
}

function inside<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
