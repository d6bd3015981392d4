import { lend, mustBe } from '../bytes/proof.ts';
import { Refusal, type Subject } from '../bytes/refusal.ts';
import { type Authority, authorityOfDelegation } from './authority.ts';
import { concerning, refused, refuseExpired, refuseOther, refuseVersion } from './checks.ts';
import { type Decode, decodeSnapshot, decodeTargets, decodeTimestamp } from './decode.ts';
import type { Delegation, MetaFile, Root, Signed, Snapshot, Targets, Timestamp, TopLevelRole } from './model.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';
import {
  type AtRoot,
  type AtSnapshot,
  type AtTimestamp,
  asOf,
  type Generation,
  withSnapshot,
  withTargets,
  withTimestamp,
} from './stages.ts';
import type { Survivors } from './stored.ts';
import { followRoot, type TrustedRoot } from './trusted-root.ts';
import { authorityOf, open, reopen, Verified } from './verified.ts';

// The client workflow of TUF §5 as transitions between stages: each takes the one before and a document, and throws
// Refusal where the document may not be believed.

/** TUF §5.3.4–7: the root that comes next after the one trusted now. */
export function* acceptRoot(at: AtRoot, bytes: Uint8Array): Sliced<AtRoot> {
  return asOf(yield* followRoot(at.root, bytes), at.now);
}

/** TUF §5.3.10: only the last root of the chain must still be valid. */
export function refuseExpiredRoot(at: AtRoot): void {
  refuseExpired(at.root.signed, at.now, 'root');
}

/** TUF §5.3.11: a new root that changed the keys of timestamp or snapshot forgets what the older keys vouched for. */
export function survive(before: TrustedRoot, after: TrustedRoot, survivors: Survivors): Survivors {
  return rotated(before.signed, after.signed, 'timestamp') || rotated(before.signed, after.signed, 'snapshot')
    ? {}
    : survivors;
}

function rotated(before: Root, after: Root, role: TopLevelRole): boolean {
  const [old, now] = [authorityOf(before, role), authorityOf(after, role)];
  const identity = (authority: Authority) =>
    [...authority.keys.values()]
      .map((key) => key.material ?? `unusable:${key.keyid}`)
      .sort()
      .join('\n');
  return identity(old) !== identity(now);
}

/** TUF §5.4. An equal version keeps the document accepted before, whatever the new bytes say (§5.4.3.1). */
export function* acceptTimestamp(at: AtRoot, bytes: Uint8Array, survivors: Survivors): Sliced<AtTimestamp> {
  const authority = authorityOf(at.root.signed, 'timestamp');
  const offered = yield* concerning('timestamp', open(bytes, decodeTimestamp, authority));
  const before = survivors.timestamp;
  let timestamp = offered;
  if (before !== undefined) {
    if (offered.signed.version < before.signed.version)
      throw refused(
        'rollback',
        'timestamp',
        `Timestamp version ${offered.signed.version} is older than version ${before.signed.version}, which was seen before.`,
      );
    if (offered.signed.version === before.signed.version)
      timestamp = (yield* unlessOutvoted(before, authority)) ?? offered;
    // §5.4.3.2
    if (timestamp.signed.snapshot.version < before.signed.snapshot.version)
      throw refused(
        'rollback',
        'timestamp',
        `The timestamp names snapshot version ${timestamp.signed.snapshot.version}; version ${before.signed.snapshot.version} was seen before.`,
      );
  }
  // §5.4.4
  refuseExpired(timestamp.signed, at.now, 'timestamp');
  return withTimestamp(at, timestamp);
}

/** A document accepted before, if it has enough signatures for what the root asks now; a raised threshold may have outvoted it. */
function* unlessOutvoted(before: Verified<Timestamp>, authority: Authority): Sliced<Verified<Timestamp> | undefined> {
  try {
    return yield* reopen(before, decodeTimestamp, authority);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'threshold') return undefined;
    throw error;
  }
}

/** TUF §5.5. `offered` is upstream's answer, or the snapshot accepted before where it is still the one named. */
export function* acceptSnapshot(
  at: AtTimestamp,
  offered: Uint8Array | Verified<Snapshot>,
  survivors: Survivors,
): Sliced<AtSnapshot> {
  const named = at.timestamp.signed.snapshot;
  const bytes = bytesOf(offered);
  // §5.5.2, before anything is parsed
  refuseOther(bytes, named, 'snapshot');
  const authority = authorityOf(at.root.signed, 'snapshot');
  const snapshot = yield* concerning('snapshot', openUnless(offered, decodeSnapshot, authority));
  // §5.5.4
  refuseVersion(snapshot.signed, named.version, 'snapshot');
  // §5.5.5: over every role, not targets alone
  if (survivors.snapshot !== undefined && survivors.snapshot !== snapshot)
    yield* refuseLowered(survivors.snapshot.signed, snapshot.signed);
  // §5.5.6
  refuseExpired(snapshot.signed, at.now, 'snapshot');
  return withSnapshot(at, snapshot);
}

function* refuseLowered(before: Snapshot, after: Snapshot): Sliced<void> {
  let steps = 0;
  for (const [name, { version }] of before.meta) {
    const now = after.meta.get(name);
    if (now === undefined)
      throw refused('rollback', 'snapshot', `The snapshot no longer lists ${name}, which it listed before.`);
    if (now.version < version)
      throw refused(
        'rollback',
        'snapshot',
        `The snapshot lists version ${now.version} of ${name}; version ${version} was seen before.`,
      );
    if (++steps % STEPS_BETWEEN_PAUSES === 0) yield;
  }
}

/** TUF §5.6.1–6. `offered` may be the targets accepted before. */
export function* acceptTargets(at: AtSnapshot, offered: Uint8Array | Verified<Targets>): Sliced<Generation> {
  return withTargets(
    at,
    yield* acceptTargetsRole(at, 'targets', authorityOf(at.root.signed, 'targets'), offered, 'targets'),
  );
}

/** TUF §5.6.7: a delegated role gets the same checks, under the delegator by which it was reached this time. */
export function acceptDelegated(
  at: AtSnapshot,
  by: Delegation,
  offered: Uint8Array | Verified<Targets>,
): Sliced<Verified<Targets>> {
  return acceptTargetsRole(at, by.name, authorityOfDelegation(by), offered, 'delegated');
}

/** What the snapshot says of a role; a role it does not list must not be believed at any version. */
export function metaOf(at: AtSnapshot, role: string): MetaFile {
  const meta = at.snapshot.signed.meta.get(`${role}.json`);
  if (meta === undefined)
    throw refused(
      'mix-and-match',
      role === 'targets' ? 'targets' : 'delegated',
      `The snapshot does not list the role ${role}.`,
    );
  return meta;
}

function* acceptTargetsRole(
  at: AtSnapshot,
  role: string,
  authority: Authority,
  offered: Uint8Array | Verified<Targets>,
  subject: Subject,
): Sliced<Verified<Targets>> {
  const named = metaOf(at, role);
  const bytes = bytesOf(offered);
  refuseOther(bytes, named, subject);
  const targets = yield* concerning(subject, openUnless(offered, decodeTargets, authority));
  refuseVersion(targets.signed, named.version, subject);
  refuseExpired(targets.signed, at.now, subject);
  return targets;
}

function bytesOf(offered: Uint8Array | Verified<Signed>): Uint8Array {
  return offered instanceof Uint8Array ? offered : lend(mustBe(Verified, offered).bytes);
}

/** What was opened before counts only under the authority that is asked now. */
function openUnless<S extends Signed>(
  offered: Uint8Array | Verified<S>,
  decode: Decode<S>,
  authority: Authority,
): Sliced<Verified<S>> {
  return offered instanceof Uint8Array ? open(offered, decode, authority) : reopen(offered, decode, authority);
}
