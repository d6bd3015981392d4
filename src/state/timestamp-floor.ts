import { z } from 'zod';
import type { StateStorage } from '../ports/state-storage.ts';
import type { KeptTimestamp } from '../ports/trust/trust-store.ts';
import { encodeJson, parseJson } from './framed.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { trustPath } from './paths.ts';

const Floor = z.strictObject({
  rootVersion: z.int().positive(),
  version: z.int().positive(),
  base64: z.base64().max(32 * 1024),
});

/** Undefined for what is no floor, to the letter. */
export function floorOf(state: unknown): KeptTimestamp | undefined {
  const { data } = Floor.safeParse(state);
  return data && { rootVersion: data.rootVersion, version: data.version, bytes: Buffer.from(data.base64, 'base64') };
}

export const FLOOR: ItemKind<KeptTimestamp> = {
  what: 'the newest timestamp that the index was believed by',
  encode: ({ rootVersion, version, bytes }) =>
    encodeJson({ rootVersion, version, base64: Buffer.from(bytes).toString('base64') }),
  decode: (bytes) => floorOf(parseJson(bytes)),
};

export interface TimestampFloor {
  read(): Promise<KeptTimestamp | undefined>;
  /** Durable when it resolves; does nothing where this one or a newer one is kept already. */
  keep(next: KeptTimestamp): Promise<void>;
}

/** The newest timestamp that was believed, whether or not what it announces ever came (TUF §5.4.5). */
export function createTimestampFloor(storage: StateStorage, index: string): TimestampFloor {
  const item = new StoredItem({ storage, path: trustPath(index, 'timestamp'), kind: FLOOR });
  return {
    read: async () => (await item.read())?.value,
    async keep(next) {
      await item.change((was) => (was === undefined || isNewer(next, was.value) ? next : undefined));
    },
  };
}

/** Versions are compared under one root; a later root may have replaced the timestamp's key, and its versions begin anew. */
function isNewer(next: KeptTimestamp, was: KeptTimestamp): boolean {
  if (next.rootVersion !== was.rootVersion) return next.rootVersion > was.rootVersion && !sameBytes(next, was);
  return next.version > was.version;
}

function sameBytes(a: KeptTimestamp, b: KeptTimestamp): boolean {
  return Buffer.compare(a.bytes, b.bytes) === 0;
}
