import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath, NewVersion, StateCopy, StoredValue } from '../../ports/state-storage.ts';
import { encodeJson, parseJson } from '../framed.ts';

/** How far a copy has come: it holds what the log says up to this entry, and nothing else. */
export interface Position {
  readonly number: number;
  /** Of that entry. */
  readonly digest: string;
  /** Of the log's first entry: which log it is. */
  readonly log: string;
  /** Entries of a segment of that log. */
  readonly segment: number;
  /** Bytes of all entries up to that one. */
  readonly written: number;
}

const Stored = z.strictObject({
  digest: z.string(),
  log: z.string(),
  segment: z.int().positive(),
  written: z.int().nonnegative(),
});

/** What a copy notes about itself, beside what it is a copy of. */
export const notesPath = (index: string): ItemPath => [index, 'fleet'];

export const positionPath = (index: string): ItemPath => [...notesPath(index), 'log'];

/** Undefined for state that is nobody's copy. */
export async function readPosition(local: StateCopy, index: string): Promise<Position | undefined> {
  const newest = await local.newest(positionPath(index), 0);
  return newest && positionIn(newest, index);
}

export function positionIn({ version, value }: StoredValue, index: string): Position {
  const { data } = Stored.safeParse(parseJson(value));
  if (data === undefined)
    throw new Refusal('state', `How far index ${index} follows its fleet cannot be read.`, { subject: 'state' });
  return { number: version - 1, ...data };
}

/** A position as it is stored with the changes that lead to it: no entry is applied twice, whoever tries. */
export function markOf(index: string, { number, ...stored }: Position): NewVersion {
  const version = number + 1;
  return { item: positionPath(index), version, value: encodeJson(stored), removeBelow: version };
}
