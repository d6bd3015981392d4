import type { ItemPath, StateChange, StateCopy } from '../../ports/state-storage.ts';

/** A change that waits to be written down. */
export interface Waiting {
  readonly change: StateChange;
  readonly settle: (done: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Most changes in one entry, and bytes of values after which no more are taken. */
const GROUP = 256;
const GROUP_BYTES = 4 * 1024 * 1024;

/** Those that go into one entry, taken away from the others. What is set aside ends a group: what comes after it is judged by what is left. */
export function takeGroup(waiting: Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { change } of waiting) {
    if (count === GROUP || bytes > GROUP_BYTES) break;
    if (change.kind === 'create') for (const { value } of change.creations) bytes += value.byteLength;
    if (count > 0 && bytes > GROUP_BYTES) break;
    count++;
    if (change.kind === 'setAside') break;
  }
  return waiting.splice(0, count);
}

/** Those that may be done after each other; the others are told so. */
export async function fittingOf(group: readonly Waiting[], local: StateCopy): Promise<Waiting[]> {
  const tops = new Map<string, number>();
  const fitting: Waiting[] = [];
  for (const each of group) {
    const { change } = each;
    if (change.kind === 'create') {
      try {
        if (!(await isFree(change.creations, tops, local))) {
          each.settle(false);
          continue;
        }
      } catch (error) {
        each.fail(error);
        continue;
      }
      for (const { item, version } of change.creations) tops.set(JSON.stringify(item), version);
    }
    fitting.push(each);
  }
  return fitting;
}

async function isFree(
  creations: readonly { readonly item: ItemPath; readonly version: number }[],
  tops: ReadonlyMap<string, number>,
  local: StateCopy,
): Promise<boolean> {
  for (const { item, version } of creations)
    if (version <= (tops.get(JSON.stringify(item)) ?? (await local.version(item, 0)))) return false;
  return true;
}
