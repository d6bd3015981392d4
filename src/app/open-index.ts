import { Refusal } from '../bytes/refusal.ts';
import type { IndexConfig } from '../config/config.ts';
import { RefusingIndex } from '../mirror/refusing-index.ts';
import type { Emit } from '../ports/events.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { DataDirectory } from './data-directory.ts';

/**
 * Opens what an index remembers, and tells of what is damaged of it before anybody asks for that. A refusal where it cannot be
 * believed as a whole.
 */
export async function openIndex(directory: DataDirectory, index: string, emit: Emit): Promise<IndexState | Refusal> {
  try {
    const { state, damaged } = await directory.open(index);
    for (const item of damaged)
      emit({
        name: 'rejected',
        index,
        reason: 'state',
        subject: 'state',
        thing: item.slice(1).join('/'),
        message: 'an item of state is damaged; what depends on it is refused',
        at: 'disk',
      });
    return state;
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'state' && !error.transient) return error;
    throw error;
  }
}

/** An index of which nothing is believed: it refuses alone. */
export function refusing(index: IndexConfig, refusal: Refusal, emit: Emit): RefusingIndex {
  const { name, evidence, upstream } = index;
  const { reason, message } = refusal;
  emit({ name: 'rejected', index: name, reason, subject: 'state', thing: name, message, at: 'disk' });
  const layout = index.evidence === 'index' ? 'simple' : typeof index.layout === 'string' ? index.layout : 'custom';
  return new RefusingIndex({ name, evidence, upstream, layout, refusal });
}
