import { authorityOfDelegation } from './authority.ts';
import { concerning } from './checks.ts';
import { decodeSnapshot, decodeTargets, decodeTimestamp } from './decode.ts';
import type { Delegation, Snapshot, Targets, Timestamp } from './model.ts';
import type { Sliced } from './sliced.ts';
import type { AtRoot } from './stages.ts';
import { authorityOf, open, type Verified } from './verified.ts';

// What was kept of earlier documents, opened again: their signatures are asked for, and nothing else. Whether such a
// document is still the one that is announced, and unexpired, is for accept.ts to say.

/** Documents believed before, under keys that have not been rotated since: the floors of what may come. */
export interface Survivors {
  readonly timestamp?: Verified<Timestamp> | undefined;
  readonly snapshot?: Verified<Snapshot> | undefined;
}

export function openTimestamp(at: AtRoot, bytes: Uint8Array): Sliced<Verified<Timestamp>> {
  return concerning('timestamp', open(bytes, decodeTimestamp, authorityOf(at.root.signed, 'timestamp')));
}

export function openSnapshot(at: AtRoot, bytes: Uint8Array): Sliced<Verified<Snapshot>> {
  return concerning('snapshot', open(bytes, decodeSnapshot, authorityOf(at.root.signed, 'snapshot')));
}

export function openTargets(at: AtRoot, bytes: Uint8Array): Sliced<Verified<Targets>> {
  return concerning('targets', open(bytes, decodeTargets, authorityOf(at.root.signed, 'targets')));
}

/** A delegated role under the delegator by which it was reached this time. */
export function openDelegated(by: Delegation, bytes: Uint8Array): Sliced<Verified<Targets>> {
  return concerning('delegated', open(bytes, decodeTargets, authorityOfDelegation(by)));
}
