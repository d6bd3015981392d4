import type { Caller } from '../../async/caller.ts';
import type { Blob } from '../../ports/blob.ts';
import type { ContentName } from '../../ports/carried.ts';
import type { Entry } from '../format/model.ts';

/** What bytes are to be, by every digest that they are asked for by. */
export type StagedContent = ContentName & Pick<Entry, 'also'>;

/** Bytes under their own digest: the staging place of an import, and where it finds what came before. */
export interface ContentStore {
  /** `there`: something lies under the name already. Throws Refusal `digest`, `length` or `limit`. */
  stage(content: StagedContent, bytes: () => AsyncIterable<Uint8Array>): Promise<'stored' | 'there'>;
  /** Undefined where nothing lies there, or it is damaged. */
  content(content: ContentName): Promise<Blob | undefined>;
  /** Whether something lies there: a hint. */
  has(content: ContentName): Promise<boolean>;
  /** It outlasts a power cut when this resolves. */
  sync(sha256: string): Promise<void>;
}

const PART = 1024 * 1024;

/** The checked bytes of a blob, from one of them on, in parts that are the reader's own. */
export async function* partsOf(blob: Blob, caller: Caller, from = 0): AsyncGenerator<Uint8Array, void, undefined> {
  for (let start = from; start < blob.size; start += PART) {
    const parts: Buffer[] = [];
    await blob.send(
      { start, end: Math.min(start + PART, blob.size) },
      async (chunk) => void parts.push(Buffer.from(chunk)),
      caller,
    );
    yield parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }
}
