/**
 * What is counted under one, two or three label values. It is found without putting a key together: prom-client's own way
 * to a series costs more than all the rest of a warm answer's record.
 */
export class Series<V> {
  readonly #values = new Map<string, Map<string, Map<string, V>>>();
  readonly #make: () => V;

  constructor(make: () => V) {
    this.#make = make;
  }

  /** Made where there is none. */
  at(first: string, second = '', third = ''): V {
    return this.#values.get(first)?.get(second)?.get(third) ?? this.#begin(first, second, third);
  }

  *[Symbol.iterator](): Generator<readonly [labels: readonly string[], value: V]> {
    for (const [first, seconds] of this.#values)
      for (const [second, thirds] of seconds)
        for (const [third, value] of thirds) yield [[first, second, third], value];
  }

  #begin(first: string, second: string, third: string): V {
    const value = this.#make();
    const thirds = inside(inside(this.#values, first), second);
    thirds.set(third, value);
    return value;
  }
}

function inside<V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Map<string, V>();
  map.set(key, made);
  return made;
}

/** By name, as prom-client takes them. */
export function labelled(names: readonly string[], values: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
}
