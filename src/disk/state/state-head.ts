import type { SQLOutputValue } from 'node:sqlite';
import { type DatabaseName, damaged, keyMissing, notSealed, sealBroken } from '../database/trouble.ts';
import type { Head, StateSeal } from './state-seal.ts';

/** A head of ours has 137 bytes at most. */
export const READ_HEAD = 'SELECT content FROM head WHERE id = 1 AND length(content) <= 256';
export const WRITE_HEAD =
  'INSERT INTO head (id, content) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET content = excluded.content';

/** Throws Refusal `state` for a head that is missing, or not one of the key that is given. */
export function headOf(
  row: Readonly<Record<string, SQLOutputValue>> | undefined,
  seal: StateSeal,
  name: DatabaseName,
): Head {
  const content = row?.['content'];
  const head = content instanceof Uint8Array ? seal.openHead(content) : 'wrong';
  if (head === 'unsealed') throw notSealed(name);
  if (head === 'sealed') throw keyMissing(name);
  if (head === 'wrong') throw seal.keyed ? sealBroken(name) : damaged(name, 'is damaged');
  return head;
}
