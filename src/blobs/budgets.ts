/** What one index may hold on disk. Bytes. */
export interface Budget {
  /** It makes room first where it holds more, and there is no more room. */
  readonly share: number;
  /** It never holds more. */
  readonly most: number;
}

/** `given`: the most that each index may hold; those that say nothing share the rest in equal parts. */
export function shareOut(
  maxBytes: number,
  given: ReadonlyMap<string, number | undefined>,
): ReadonlyMap<string, Budget> {
  let rest = maxBytes;
  let equal = 0;
  for (const most of given.values())
    if (most === undefined) equal++;
    else rest -= most;
  const part = Math.max(0, rest) / Math.max(1, equal);
  return new Map(
    [...given].map(([index, most]) => [index, { share: most ?? part, most: most ?? Number.POSITIVE_INFINITY }]),
  );
}
