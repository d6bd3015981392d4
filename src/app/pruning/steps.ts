import type { Composition } from '../compose.ts';
import type { PruneRequest } from '../control/requests.ts';
import { audited } from '../operator/audited.ts';
import type { OperatorPlace } from '../operator/place.ts';
import type { Counted } from './plan.ts';

/** What a server does of a prune. */
export async function pruneStep({ blobs, operator }: Composition, request: PruneRequest): Promise<object> {
  const { pruner } = blobs.pruning;
  switch (request.step) {
    case 'begin':
      // What only was retained is kept no longer.
      await blobs.retain();
      pruner.begin(request.watch);
      return {};
    case 'spared':
      return { spared: pruner.spared(request.watch, request.digests) };
    case 'note':
      await notePrune(operator, request);
      return {};
    case 'drop':
      return pruner.drop(request.watch, request.digests);
    case 'end':
      pruner.end(request.watch);
      return {};
    default:
      return request satisfies never;
  }
}

/** In the audit trail of every index that has one: the store is of all of them. */
export async function notePrune(
  place: Pick<OperatorPlace, 'config' | 'state' | 'now'>,
  { reason, files, bytes }: Counted & { readonly reason: string },
): Promise<void> {
  for (const name of Object.keys(place.config.indexes)) {
    const state = await place.state(name);
    if ((await state.facts.read()) === undefined) continue;
    await audited(state, place.now(), `prune of ${files} files, ${bytes} bytes`, reason);
  }
}
