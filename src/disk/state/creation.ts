import { Refusal } from '../../bytes/refusal.ts';
import { type NewVersion, STATE_VALUE_BYTES, type StateChange } from '../../ports/state-storage.ts';
import type { CopiedChange, Creation } from '../database/thread-protocol.ts';
import { pathText } from './item-path.ts';

/** A new project, where there is no room for what is new. */
export function full(index: string): Refusal {
  return new Refusal(
    'limit',
    `The state of index ${index} has no room for projects that nobody asked for before (cache.state_bytes), also after everything was let go that can be had again. What is known is served on. Raise the limit, or ask the operator to.`,
    { subject: 'state', transient: true },
  );
}

/** Throws TypeError for what no state may hold, and Refusal `limit` for what is too large. */
export function copiedChange(index: string, change: StateChange): CopiedChange {
  if (change.kind === 'create')
    return { kind: 'create', creations: change.creations.map((each) => creationOf(index, each)) };
  const [of, ...names] = change.kind === 'setAside' ? change.below : change.item;
  if (of !== index) throw new TypeError(`${of} is another index than ${index}`);
  if (change.kind === 'setAside') return { kind: 'setAside', names, as: change.as };
  return { kind: 'removeBelow', path: pathText(names), version: change.version };
}

/** With a copy of its value, which stays the caller's. */
export function creationOf(index: string, { item, version, value, removeBelow = 0 }: NewVersion): Creation {
  if (!Number.isSafeInteger(version) || version < 1) throw new TypeError(`${version} is not a version`);
  const [of, ...names] = item;
  if (of !== index) throw new TypeError(`${item.join(' ')} is of another index than ${index}`);
  if (value.byteLength > STATE_VALUE_BYTES)
    throw new Refusal(
      'limit',
      `There is no more room for ${item.join(' ')}: at most ${STATE_VALUE_BYTES} bytes are kept. What is kept already stays as it is.`,
      { subject: 'state' },
    );
  return { path: pathText(names), version, value: new Uint8Array(value), removeBelow };
}

export async function* creationsOf(
  index: string,
  versions: AsyncIterable<readonly NewVersion[]>,
): AsyncGenerator<readonly Creation[], void, undefined> {
  for await (const some of versions) yield some.map((each) => creationOf(index, each));
}
