import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { ListedTarget, SignedRepository } from '../../mirror/package-index.ts';
import type { DigestSet } from '../format/digest-set.ts';
import { LIMITS } from '../format/limits.ts';
import { alsoOf, type HeldItem, type HeldParts } from './held.ts';

/**
 * Targets that are held and that no page needs, by their paths, of the roles that are held. `carried`: what the pages and files before them
 * carry already.
 */
export async function* heldTargets(
  signed: SignedRepository,
  { caller, notCarried }: Pick<HeldParts, 'caller' | 'notCarried'>,
  carried: Pick<DigestSet, 'has'>,
): AsyncGenerator<HeldItem, void, undefined> {
  const items: HeldItem[] = [];
  // Of an index with pages these say what is listed.
  const onUnread = () => void (signed.hasPages || notCarried.roles++);
  for await (const { targets } of signed.listed(caller, { held: true, onUnread }))
    for (const target of targets) {
      const { path, expected } = target;
      const stated = expected.digests.get('sha256');
      if (stated !== undefined && carried.has(stated)) continue;
      const blob = await opened(signed, target, caller);
      if (blob !== undefined)
        items.push({
          entry: { kind: 'target', name: path, size: blob.size, sha256: blob.sha256, ...alsoOf(expected.digests) },
        });
      else if (!signed.hasPages) notCarried.files++;
    }
  yield* items.sort((a, b) => ((a.entry.name ?? '') < (b.entry.name ?? '') ? -1 : 1));
}

/** Undefined for what is not held, or held back by this site. */
async function opened(signed: SignedRepository, { path, expected }: ListedTarget, caller: Caller) {
  if (path.length > LIMITS.name || !(await signed.isTargetHeld(expected))) return undefined;
  try {
    return await signed.openTarget(path, caller);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
