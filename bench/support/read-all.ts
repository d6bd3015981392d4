import type { Running } from './processes.ts';

/** Has the readers (bench/children/reader.ts) read a URL so often, all together. GB a second. */
export async function readAll(readers: readonly Running[], url: string, reads: number): Promise<number> {
  const begun = performance.now();
  for (const reader of readers) reader.tell(`${url} ${reads / readers.length}`);
  let bytes = 0;
  for (const line of await Promise.all(readers.map((reader) => reader.line()))) bytes += Number(line);
  return bytes / 1e6 / (performance.now() - begun);
}
