// Every series there can be is bounded by the configuration and by closed lists, never by what clients or upstreams say: no
// label holds a project, a path, a URL or an address.

/** What a label says in place of a value that is none of its own. */
export const OTHER = 'other';

/** A label's value for what was given. */
export interface Label {
  (given: string | undefined): string;
  /** All that are foreseen; `other` is what it says of anything else. */
  readonly values: readonly string[];
}

export function oneOf(values: readonly string[]): Label {
  const known = new Set(values);
  const label = (given: string | undefined) => (given !== undefined && known.has(given) ? given : OTHER);
  return Object.assign(label, { values });
}

/** One of them, or empty for what all share. */
export const oneOfOrShared = (values: readonly string[]): Label => oneOf(['', ...values]);

/** Every combination of one value of each list. */
export function combinations(lists: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return lists.reduce<readonly (readonly string[])[]>(
    (all, list) => all.flatMap((before) => list.map((value) => [...before, value])),
    [[]],
  );
}

/** A status of HTTP; 0 for none. */
export const statusOf = oneOf(['0', ...Array.from({ length: 500 }, (_, at) => String(at + 100))]);
