import { Refusal } from '../bytes/refusal.ts';
import type { Config, IndexConfig } from '../config/config.ts';
import type { PackageIndex } from '../mirror/package-index.ts';
import { RefusingIndex } from '../mirror/refusing-index.ts';
import type { Emit } from '../ports/events.ts';
import type { IndexState } from '../ports/index-state.ts';
import type { ItemPath } from '../ports/state-storage.ts';
import { createIndexState } from '../state/index-state.ts';
import { StateRoomKeeper } from '../state/room-keeper.ts';
import type { IndexParts } from './compose-index.ts';
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
        message: `an item of state is damaged: ${isHadAgain(item) ? HAD_AGAIN : givenUp(index)}`,
        at: 'disk',
      });
    // What it was started with decides everything else.
    await state.facts.read();
    // What was put in quarantine is not served because it was forgotten.
    for await (const project of state.projects('quarantine')) await state.quarantine(project).read();
    // What an operator let pass is not refused, and what stays refused is not let pass, because that was forgotten.
    for await (const project of state.projects('answers')) await state.answers(project).read();
    return state;
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'state' && !error.transient) return error;
    throw error;
  }
}

/** What signatures prove, from the pinned root on, upstream can give again. */
function isHadAgain([, area, kind]: ItemPath): boolean {
  return area === 'tuf' && kind !== 'current' && kind !== 'timestamp';
}

const HAD_AGAIN = 'signatures prove it, and it is asked for again where it is needed';

function givenUp(index: string): string {
  return `what depends on it is refused until it is restored from a backup, or given up by: verbatim accept-state-loss ${index} --reason "..."`;
}

/** An index of which nothing is believed: it refuses alone. */
export function refusing(index: IndexConfig, refusal: Refusal, emit: Emit): RefusingIndex {
  const { name, evidence, upstream } = index;
  const { reason, message } = refusal;
  emit({ name: 'rejected', index: name, reason, subject: 'state', thing: name, message, at: 'disk' });
  const layout = index.evidence === 'index' ? 'simple' : typeof index.layout === 'string' ? index.layout : 'custom';
  return new RefusingIndex({ name, evidence, upstream, layout, refusal });
}

/** An index whose stored state is damaged refuses alone; where there is no other, the start does. */
export function refuseNothingLeft(indexes: readonly PackageIndex[]): void {
  const refusing = indexes.filter((index) => index instanceof RefusingIndex);
  if (refusing.length === indexes.length && refusing[0] !== undefined) throw refusing[0].refusal;
}

/** Names of indexes that the operator speaks of and that are none. */
export function refuseUnknown(names: Iterable<string>, { indexes }: Config): void {
  for (const name of names)
    if (indexes[name] === undefined)
      throw new Refusal(
        'format',
        `--new-trust speaks of the index "${name}", and there is none of that name. There are: ${Object.keys(indexes).join(', ')}.`,
        { subject: 'request' },
      );
}

/** From now on there is room for new projects as long as there is something that can be let go. Returns what ends it. */
export function keepRoom(
  index: string,
  { storage }: DataDirectory,
  { work, emit, config }: Pick<IndexParts, 'work' | 'emit' | 'config'>,
): () => Promise<void> {
  const { projectBytes } = config.cache;
  const state = createIndexState({ storage, index, projectBytes, pinsInMemory: 1 });
  const keeper = new StateRoomKeeper({ room: storage, state, work, emit });
  storage.keepRoom(index, keeper);
  // A limit may be lower than it was.
  void keeper.makeRoom();
  return () => keeper.close();
}
