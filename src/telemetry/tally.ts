import { Counter, type Registry } from 'prom-client';

/** A counter for what happens with every answer. */
export interface Tally {
  /** One value for each label name, at most three, in their order. */
  add(value: number, ...labels: readonly string[]): void;
}

interface Naming {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

interface Sum {
  readonly labels: Readonly<Record<string, string>>;
  total: number;
}

/** Sums here and hands them to the registry when it is read: finding a series by its labels costs more than a warm answer. */
export function createTally(registers: Registry[], { name, help, labelNames }: Naming): Tally {
  const sums = new Map<string, Sum>();
  new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers,
    collect() {
      this.reset();
      for (const { labels, total } of sums.values()) this.inc(labels, total);
    },
  });
  return {
    add(value, ...labels) {
      const [first = '', second = '', third = ''] = labels;
      const key = labels.length === 1 ? first : `${first} ${second} ${third}`;
      const sum = sums.get(key);
      if (sum !== undefined) sum.total += value;
      else
        sums.set(key, {
          labels: Object.fromEntries(labelNames.map((label, at) => [label, labels[at] ?? ''])),
          total: value,
        });
    },
  };
}
