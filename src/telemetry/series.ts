/**
 * What is counted under up to four label values. It is found without putting a key together: prom-client's own way to a
 * series costs more than all the rest of a warm answer's record. Most of what is counted is the same as just before.
 */
export class Series<V> {
  readonly #root: Branch<V> = new Map();
  readonly #make: () => V;
  #first = '';
  #second = '';
  #third = '';
  #fourth = '';
  #last: V | undefined;

  constructor(make: () => V) {
    this.#make = make;
  }

  /** Undefined where there is none. */
  find(first = '', second = '', third = '', fourth = ''): V | undefined {
    const last = this.#last;
    if (
      last !== undefined &&
      this.#first === first &&
      this.#second === second &&
      this.#third === third &&
      this.#fourth === fourth
    )
      return last;
    const value = this.#root.get(first)?.get(second)?.get(third)?.get(fourth);
    if (value !== undefined) {
      this.#first = first;
      this.#second = second;
      this.#third = third;
      this.#fourth = fourth;
      this.#last = value;
    }
    return value;
  }

  /** Made where there is none. */
  at(first = '', second = '', third = '', fourth = ''): V {
    return this.find(first, second, third, fourth) ?? this.#begin(first, second, third, fourth);
  }

  *[Symbol.iterator](): Generator<readonly [labels: readonly string[], value: V]> {
    for (const [first, seconds] of this.#root)
      for (const [second, thirds] of seconds)
        for (const [third, fourths] of thirds)
          for (const [fourth, value] of fourths) yield [[first, second, third, fourth], value];
  }

  #begin(first: string, second: string, third: string, fourth: string): V {
    const value = this.#make();
    inside(inside(inside(this.#root, first), second), third).set(fourth, value);
    return value;
  }
}

type Branch<V> = Map<string, Map<string, Map<string, Map<string, V>>>>;

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
