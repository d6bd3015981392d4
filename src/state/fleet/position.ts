import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import type { ItemPath, NewVersion, StateCopy } from '../../ports/state-storage.ts';
import { encodeJson, parseJson } from '../framed.ts';
import type { OpenedEntry } from './log-entry.ts';

/** How far a copy has come: it holds what the log says up to this entry, and nothing else. */
export interface Position {
  readonly number: number;
  /** Of that entry. */
  readonly digest: string;
  /** Of the log's first entry: which log it is. */
  readonly log: string;
}

const Stored = z.strictObject({ digest: z.string(), log: z.string() });

/** What a copy notes about itself, beside what it is a copy of. */
export const notesPath = (index: string): ItemPath => [index, 'fleet'];

const positionPath = (index: string): ItemPath => [...notesPath(index), 'log'];

/** Undefined for state that is nobody's copy. */
export async function readPosition(local: StateCopy, index: string): Promise<Position | undefined> {
  const newest = await local.newest(positionPath(index), 0);
  if (newest === undefined) return undefined;
  const { data } = Stored.safeParse(parseJson(newest.value));
  if (data === undefined)
    throw new Refusal('state', `How far index ${index} follows its fleet cannot be read.`, { subject: 'state' });
  return { number: newest.version - 1, ...data };
}

/** The position after this entry, as it is stored with the entry's changes: no entry is applied twice, whoever tries. */
export function markOf(index: string, { number, digest }: OpenedEntry, log: string): NewVersion {
  const version = number + 1;
  return { item: positionPath(index), version, value: encodeJson({ digest, log }), removeBelow: version };
}
