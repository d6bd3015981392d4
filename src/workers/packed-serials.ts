import type { CountedProjects } from '../ports/page-work.ts';

/** What a list counts for its projects, as bytes that change hands between threads: a map of a million names would be copied one by one. */
export interface PackedSerials {
  /** Names in ASCII, one behind the other, in the order of their bytes. */
  readonly names: Uint8Array<ArrayBuffer>;
  /** Where each begins, and behind the last where it ends. */
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly serials: Float64Array<ArrayBuffer>;
}

/** `serials`: by normalized name. */
export function packSerials(serials: ReadonlyMap<string, number>): PackedSerials {
  const sorted = [...serials].sort(([one], [other]) => (one < other ? -1 : 1));
  const starts = new Uint32Array(sorted.length + 1);
  for (const [at, [name]] of sorted.entries()) starts[at + 1] = (starts[at] ?? 0) + name.length;
  const names = new Uint8Array(starts.at(-1) ?? 0);
  const encoder = new TextEncoder();
  for (const [at, [name]] of sorted.entries()) encoder.encodeInto(name, names.subarray(starts[at]));
  return { names, starts, serials: Float64Array.from(sorted, ([, serial]) => serial) };
}

/** The same, to look names up in. */
export function unpackedSerials({ names, starts, serials }: PackedSerials): CountedProjects {
  const bytes = Buffer.from(names.buffer, names.byteOffset, names.byteLength);
  return {
    size: serials.length,
    get(name) {
      const wanted = Buffer.from(name);
      let [from, to] = [0, serials.length];
      while (from < to) {
        const middle = (from + to) >>> 1;
        const order = wanted.compare(bytes, starts[middle], starts[middle + 1]);
        if (order === 0) return serials[middle];
        if (order < 0) to = middle;
        else from = middle + 1;
      }
      return undefined;
    },
  };
}
