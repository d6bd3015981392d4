import { z } from 'zod';
import { type IndexObjects, numbered } from './objects.ts';
import type { ObjectSeal } from './seal.ts';

/** What is left of a segment of the log: which entries it had. */
export interface PassedSegment {
  readonly segment: number;
  /** Of the entry before its first; empty for segment 0. */
  readonly previous: string;
  /** Of its entries, SHA-256 in hexadecimal. */
  readonly digests: readonly string[];
}

const Header = z.strictObject({
  index: z.string(),
  segment: z.int(),
  previous: z.string(),
  nonce: z.string(),
});

const DIGEST_BYTES = 32;
const RECORD_BYTES = 16 * 1024 * 1024;

/**
 * Segments of the log whose entries are gone or may go: each is named here before the first of them does, one after the other. So whoever
 * finds an entry, or none, and then no name of its segment here, knows that this was so while the log was whole.
 */
export class PassedSegments {
  readonly #objects: IndexObjects;
  readonly #seal: ObjectSeal;

  constructor(objects: IndexObjects, seal: ObjectSeal) {
    this.#objects = objects;
    this.#seal = seal;
  }

  async has(segment: number): Promise<boolean> {
    return (await this.#objects.get(nameOf(segment), RECORD_BYTES)) !== undefined;
  }

  async read(segment: number): Promise<PassedSegment | undefined> {
    const bytes = await this.#objects.get(nameOf(segment), RECORD_BYTES);
    if (bytes === undefined) return undefined;
    const { header, values: [body] = [] } = this.#seal.open(bytes) ?? {};
    const { data } = Header.safeParse(header);
    if (data === undefined || body === undefined || data.index !== this.#objects.index || data.segment !== segment)
      throw this.#objects.refusal(`What was kept of segment ${segment} of the fleet's log is damaged`);
    const digests: string[] = [];
    for (let at = 0; at < body.byteLength; at += DIGEST_BYTES)
      digests.push(body.toString('hex', at, at + DIGEST_BYTES));
    return { segment, previous: data.previous, digests };
  }

  /** Where another was first it has said the same. */
  async create({ segment, previous, digests }: PassedSegment): Promise<void> {
    const body = Buffer.concat(digests.map((digest) => Buffer.from(digest, 'hex')));
    const bytes = this.#seal.close({ index: this.#objects.index, segment, previous }, [body]);
    await this.#objects.create(nameOf(segment), bytes);
  }

  /** The first that is not named. */
  async next(): Promise<number> {
    let next = 0;
    for await (const segment of this.#objects.numbers('passed')) next = segment + 1;
    return next;
  }
}

function nameOf(segment: number): string {
  return `passed/${numbered(segment)}`;
}
