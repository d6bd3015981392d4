// Every series there can be is bounded by the configuration and by closed lists, never by what clients or upstreams say: no
// label holds a project, a path, a URL or an address.

/** What a label says in place of a value that is none of its own. */
export const OTHER = 'other';

/** A label's value for what was given. */
export type Label = (given: string | undefined) => string;

export function oneOf(values: readonly string[]): Label {
  const known = new Set(values);
  return (given) => (given !== undefined && known.has(given) ? given : OTHER);
}

/** A status of HTTP; 0 for none. */
export const statusOf = oneOf(['0', ...Array.from({ length: 500 }, (_, at) => String(at + 100))]);
