import { type Reason, Refusal } from '../bytes/refusal.ts';

const MOVED_ON: ReadonlySet<Reason> = new Set(['mix-and-match', 'digest', 'length', 'expired']);

/** What it looks like when upstream published between what we believe and what that names (PEP 458 "Cleaning up old metadata"). */
export function looksMovedOn(error: unknown): boolean {
  return error instanceof Refusal && MOVED_ON.has(error.reason);
}
