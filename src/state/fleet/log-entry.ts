import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import { STATE_VALUE_BYTES, type StateChange } from '../../ports/state-storage.ts';
import { ItemNames, ItemVersion, WholeState } from './parts.ts';
import { ObjectSeal } from './seal.ts';

/** How a log began. */
const Beginning = z.strictObject({
  /** Entries of a segment: those of one go together. */
  segment: z.int().positive(),
  /** What there was before; undefined for nothing. */
  state: WholeState.optional(),
});
export type Beginning = z.output<typeof Beginning>;

/** One object of an index's log: what was changed, in order, and what it follows. */
export interface LogEntry {
  /** 0 begins the log, and changes nothing. */
  readonly number: number;
  /** The digest of the entry before it; empty for the first. */
  readonly previous: string;
  readonly changes: readonly StateChange[];
  /** Of the first entry, and of no other. */
  readonly begins?: Beginning | undefined;
}

export interface OpenedEntry extends LogEntry {
  /** Over all of its bytes, SHA-256 in hexadecimal. */
  readonly digest: string;
  readonly bytes: number;
}

/** Most bytes of an entry: a value of the largest kind with another that goes with it, and what says so. */
export const ENTRY_BYTES = 2 * STATE_VALUE_BYTES + 4 * 1024 * 1024;

const Creation = z.strictObject({
  item: ItemNames,
  version: ItemVersion,
  removeBelow: z.int().nonnegative().optional(),
});
const Change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('create'), creations: z.array(Creation).min(1) }),
  z.strictObject({ kind: z.literal('removeBelow'), item: ItemNames, version: z.int() }),
  z.strictObject({ kind: z.literal('setAside'), below: ItemNames, as: z.string() }),
]);
const Header = z.strictObject({
  index: z.string(),
  number: z.int().nonnegative(),
  previous: z.string(),
  nonce: z.string(),
  begins: Beginning.optional(),
  changes: z.array(Change),
});

/** Closes and opens the entries of one index's log. */
export class EntrySeal {
  readonly #index: string;
  readonly #seal: ObjectSeal;

  constructor(index: string, sealKey: Uint8Array) {
    this.#index = index;
    this.#seal = new ObjectSeal(sealKey, 'log of state');
  }

  close({ number, previous, changes, begins }: LogEntry): Buffer {
    const values: Uint8Array[] = [];
    const told = changes.map((change) => {
      if (change.kind !== 'create') return change;
      values.push(...change.creations.map(({ value }) => value));
      return { ...change, creations: change.creations.map(({ value: _, ...creation }) => creation) };
    });
    return this.#seal.close({ index: this.#index, number, previous, begins, changes: told }, values);
  }

  /** Undefined for anything that is not this index's entry of this number, sealed under this key. */
  open(bytes: Uint8Array, number: number): OpenedEntry | undefined {
    const { header, values = [] } = this.#seal.open(bytes) ?? {};
    const { data } = Header.safeParse(header);
    if (data === undefined || data.index !== this.#index || data.number !== number) return undefined;
    if ((data.begins !== undefined) !== (number === 0)) return undefined;
    let at = 0;
    const changes = data.changes.map((change): StateChange => {
      if (change.kind !== 'create') return change;
      const creations = change.creations.map((each) => ({ ...each, value: values[at++] ?? new Uint8Array() }));
      return { kind: 'create', creations };
    });
    const { previous, begins } = data;
    return { number, previous, begins, changes, digest: sha256Hex(bytes), bytes: bytes.byteLength };
  }
}
