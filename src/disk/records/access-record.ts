import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ACCESS_BYTES, SAME_FETCH_S, SAME_FETCHES } from '../limits.ts';
import { RecordLines } from './record-lines.ts';
import type { RecordsDatabase } from './records-database.ts';

const Fetched = z.object({
  at: z.int(),
  client: z.string(),
  reader: z.string().optional(),
  index: z.string(),
  project: z.string(),
  file: z.string(),
  sha256: z.string(),
});

/** A client that was sent a file: whole seconds, the address it came from, whose credentials it had (`user NAME`, `token NAME`), and which file. */
export type Fetched = Readonly<z.infer<typeof Fetched>>;

/** Who was sent which file, on disk and bounded: the question is asked when a file turns out to be malicious. */
export interface AccessRecord {
  /** Must not throw. The same client and file again within ten minutes is one record. */
  record(fetched: Fetched): void;
  /** By sha256 or by file name, oldest first. */
  whoFetched(fileOrSha256: string): AsyncIterable<Fetched>;
  /** Writes what waits. */
  close(): Promise<void>;
}

export function createAccessRecord(
  records: RecordsDatabase,
  { maxBytes = ACCESS_BYTES }: { readonly maxBytes?: number | undefined } = {},
): AccessRecord {
  const lines = new RecordLines(records, { kind: 'access', maxBytes });
  const recent = new LRUCache<string, number>({ max: SAME_FETCHES });
  return {
    record(fetched) {
      const key = JSON.stringify([fetched.client, fetched.reader, fetched.index, fetched.sha256, fetched.file]);
      const before = recent.get(key);
      if (before !== undefined && Math.abs(fetched.at - before) < SAME_FETCH_S) return;
      recent.set(key, fetched.at);
      lines.add({ ...fetched });
    },
    async *whoFetched(fileOrSha256) {
      for await (const line of lines.read()) {
        const { data } = Fetched.safeParse(line);
        if (data !== undefined && (data.sha256 === fileOrSha256 || data.file === fileOrSha256)) yield data;
      }
    },
    close: () => lines.close(),
  };
}
