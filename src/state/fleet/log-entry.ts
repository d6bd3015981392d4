import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import { packFrames, unpackFrames } from '../../bytes/frames.ts';
import { type ItemPath, STATE_VALUE_BYTES, type StateChange } from '../../ports/state-storage.ts';
import { encodeJson, parseJson } from '../framed.ts';

/** One object of an index's log: what was changed, in order, and what it follows. */
export interface LogEntry {
  /** 0 begins the log, and changes nothing. */
  readonly number: number;
  /** The digest of the entry before it; empty for the first. */
  readonly previous: string;
  readonly changes: readonly StateChange[];
}

export interface OpenedEntry extends LogEntry {
  /** Over all of its bytes, SHA-256 in hexadecimal. */
  readonly digest: string;
}

/** Most bytes of an entry: a value of the largest kind with another that goes with it, and what says so. */
export const ENTRY_BYTES = 2 * STATE_VALUE_BYTES + 4 * 1024 * 1024;

const MAC_BYTES = 32;
const NONCE_BYTES = 16;

const Item = z
  .tuple([z.string()])
  .rest(z.string())
  .transform(([index, ...names]): ItemPath => [index, ...names]);
const Version = z.int().positive();
const Creation = z.strictObject({ item: Item, version: Version, removeBelow: z.int().nonnegative().optional() });
const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('create'), creations: z.array(Creation).min(1) }),
  z.strictObject({ kind: z.literal('removeBelow'), item: Item, version: z.int() }),
  z.strictObject({ kind: z.literal('setAside'), below: Item, as: z.string() }),
]);
const Header = z.strictObject({
  index: z.string(),
  number: z.int().nonnegative(),
  previous: z.string(),
  /** Two that say the same are not the same bytes, so that a writer knows its own. */
  nonce: z.string(),
  changes: z.array(Change),
});

/** Closes and opens the entries of one index's log: whoever has the store and not the key can withhold one, and forge none. */
export class EntrySeal {
  readonly #index: string;
  readonly #key: KeyObject;

  constructor(index: string, sealKey: Uint8Array) {
    this.#index = index;
    this.#key = createSecretKey(createHmac('sha256', sealKey).update('verbatim fleet: log of state').digest());
  }

  close({ number, previous, changes }: LogEntry): Buffer {
    const values: Uint8Array[] = [];
    const told = changes.map((change) => {
      if (change.kind !== 'create') return change;
      values.push(...change.creations.map(({ value }) => value));
      return { ...change, creations: change.creations.map(({ value: _, ...creation }) => creation) };
    });
    const nonce = randomBytes(NONCE_BYTES).toString('hex');
    const header = encodeJson({ index: this.#index, number, previous, nonce, changes: told });
    const body = packFrames([header, ...values]);
    return Buffer.concat([body, this.#mac(body)]);
  }

  /** Undefined for anything that is not this index's entry of this number, sealed under this key. */
  open(bytes: Uint8Array, number: number): OpenedEntry | undefined {
    const body = bytes.subarray(0, -MAC_BYTES);
    const mac = bytes.subarray(-MAC_BYTES);
    if (mac.byteLength !== MAC_BYTES || !timingSafeEqual(mac, this.#mac(body))) return undefined;
    const [first, ...values] = unpackFrames(body) ?? [];
    const { data } = Header.safeParse(first && parseJson(first));
    if (data === undefined || data.index !== this.#index || data.number !== number) return undefined;
    const changes = data.changes.map((change): StateChange => {
      if (change.kind !== 'create') return change;
      const creations = change.creations.map((each) => ({ ...each, value: values.shift() ?? new Uint8Array() }));
      return { kind: 'create', creations };
    });
    return { number, previous: data.previous, changes, digest: sha256Hex(bytes) };
  }

  #mac(body: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(body).digest();
  }
}
