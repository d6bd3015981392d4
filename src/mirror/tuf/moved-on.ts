import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Keeper } from './keeper.ts';

/** What it looks like when upstream published between our snapshot and what it names (PEP 458 "Cleaning up old metadata"). */
const MOVED_ON: ReadonlySet<Reason> = new Set<Reason>(['mix-and-match', 'digest', 'length', 'expired']);

/** Runs under the current generation; where upstream has moved on meanwhile, once more under the next (DESIGN J3). */
export async function evenIfMovedOn<T>(
  keeper: Pick<Keeper, 'generation' | 'following'>,
  run: (generation: Generation) => Promise<T>,
): Promise<T> {
  const generation = await keeper.generation();
  try {
    return await run(generation);
  } catch (error) {
    if (!(error instanceof Refusal) || !MOVED_ON.has(error.reason)) throw error;
    const next = await keeper.following(generation);
    if (next === undefined) throw error;
    return run(next);
  }
}
