import { Refusal, type Subject } from '../bytes/refusal.ts';
import { concerning, refused, refuseExpired, refuseOther, refuseVersion } from './checks.ts';
import { type Decode, decodeRoot, decodeSnapshot, decodeTargets, decodeTimestamp } from './decode.ts';
import type {
  Authority,
  Delegation,
  Instant,
  MetaFile,
  Root,
  Signed,
  Snapshot,
  Targets,
  Timestamp,
  TopLevelRole,
} from './model.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';
import { authorityOf, open, openRoot, Verified } from './verified.ts';

// The client workflow of TUF §5 as transitions between stages. A stage is what has been proved so far; each transition
// takes the one before, and stages are made only here, so that skipping one does not compile.

class RootStage {
  readonly #made = true;
  /** Fixed for the whole refresh (TUF §5.1). */
  readonly now: Instant;
  readonly root: Verified<Root>;
  constructor(now: Instant, root: Verified<Root>) {
    this.now = now;
    this.root = root;
    void this.#made;
  }
}

class TimestampStage extends RootStage {
  readonly #made = true;
  readonly timestamp: Verified<Timestamp>;
  constructor(at: RootStage, timestamp: Verified<Timestamp>) {
    super(at.now, at.root);
    this.timestamp = timestamp;
    void this.#made;
  }
}

class SnapshotStage extends TimestampStage {
  readonly #made = true;
  readonly snapshot: Verified<Snapshot>;
  constructor(at: TimestampStage, snapshot: Verified<Snapshot>) {
    super(at, at.timestamp);
    this.snapshot = snapshot;
    void this.#made;
  }
}

class TargetsStage extends SnapshotStage {
  readonly #made = true;
  readonly targets: Verified<Targets>;
  constructor(at: SnapshotStage, targets: Verified<Targets>) {
    super(at, at.snapshot);
    this.targets = targets;
    void this.#made;
  }
}

export type AtRoot = RootStage;
export type AtTimestamp = TimestampStage;
export type AtSnapshot = SnapshotStage;
/** One consistent set, root to targets: immutable, swapped whole. */
export type Generation = TargetsStage;

/** Documents believed before, under keys that have not been rotated since: the floors of what may come. */
export interface Survivors {
  readonly timestamp?: Verified<Timestamp> | undefined;
  readonly snapshot?: Verified<Snapshot> | undefined;
}

/** TUF §5.2: the pinned root's own expiry does not matter. */
export function* startFrom(pinnedRoot: Uint8Array, now: Instant): Sliced<AtRoot> {
  return new RootStage(now, yield* concerning('root', openRoot(pinnedRoot, decodeRoot)));
}

/** A later refresh starts where the last one ended. */
export function startAgain(root: Verified<Root>, now: Instant): AtRoot {
  return new RootStage(now, root);
}

/** TUF §5.3.4–7: signed by the old root's keys and by its own; exactly the next version. Throws `threshold`, `rollback`, `mix-and-match`. */
export function* acceptRoot(at: AtRoot, bytes: Uint8Array): Sliced<AtRoot> {
  const root = yield* concerning('root', openRoot(bytes, decodeRoot, at.root.signed));
  const next = at.root.signed.version + 1;
  if (root.signed.version < next)
    throw refused('rollback', 'root', `Root version ${root.signed.version} was sent where ${next} was asked for.`);
  if (root.signed.version > next)
    throw refused('mix-and-match', 'root', `Root version ${root.signed.version} was sent where ${next} was asked for.`);
  return new RootStage(at.now, root);
}

/** TUF §5.3.10: only the last root of the chain must still be valid. */
export function refuseExpiredRoot(at: AtRoot): void {
  refuseExpired(at.root.signed, at.now, 'root');
}

/** TUF §5.3.11: a new root that changed the keys of timestamp or snapshot forgets what the older keys vouched for. */
export function survive(before: AtRoot, after: AtRoot, survivors: Survivors): Survivors {
  return rotated(before.root.signed, after.root.signed, 'timestamp') ||
    rotated(before.root.signed, after.root.signed, 'snapshot')
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

/** TUF §5.4. An equal version keeps the document held before, whatever the new bytes say (§5.4.3.1). */
export function* acceptTimestamp(at: AtRoot, bytes: Uint8Array, survivors: Survivors): Sliced<AtTimestamp> {
  const authority = authorityOf(at.root.signed, 'timestamp');
  const offered = yield* concerning('timestamp', open(bytes, decodeTimestamp, authority));
  const held = survivors.timestamp;
  let timestamp = offered;
  if (held !== undefined) {
    if (offered.signed.version < held.signed.version)
      throw refused(
        'rollback',
        'timestamp',
        `Timestamp version ${offered.signed.version} is older than version ${held.signed.version}, which was seen before.`,
      );
    if (offered.signed.version === held.signed.version) timestamp = (yield* unlessOutvoted(held, authority)) ?? offered;
    // §5.4.3.2
    if (timestamp.signed.snapshot.version < held.signed.snapshot.version)
      throw refused(
        'rollback',
        'timestamp',
        `The timestamp names snapshot version ${timestamp.signed.snapshot.version}; version ${held.signed.snapshot.version} was seen before.`,
      );
  }
  // §5.4.4
  refuseExpired(timestamp.signed, at.now, 'timestamp');
  return new TimestampStage(at, timestamp);
}

/** A document held before, if it has enough signatures for what the root asks now; a raised threshold may have outvoted it. */
function* unlessOutvoted(held: Verified<Timestamp>, authority: Authority): Sliced<Verified<Timestamp> | undefined> {
  try {
    return yield* Verified.reopen(held, decodeTimestamp, authority);
  } catch (error) {
    if (error instanceof Refusal && error.reason === 'threshold') return undefined;
    throw error;
  }
}

/** TUF §5.5. `offered` is upstream's answer, or the snapshot held before where it is still the one named. */
export function* acceptSnapshot(
  at: AtTimestamp,
  offered: Uint8Array | Verified<Snapshot>,
  survivors: Survivors,
): Sliced<AtSnapshot> {
  const named = at.timestamp.signed.snapshot;
  const bytes = offered instanceof Uint8Array ? offered : offered.bytes;
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
  return new SnapshotStage(at, snapshot);
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

/** TUF §5.6.1–6. `offered` may be the targets held before. */
export function* acceptTargets(at: AtSnapshot, offered: Uint8Array | Verified<Targets>): Sliced<Generation> {
  return new TargetsStage(
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
  return acceptTargetsRole(at, by.name, by.authority, offered, 'delegated');
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
  const bytes = offered instanceof Uint8Array ? offered : offered.bytes;
  refuseOther(bytes, named, subject);
  const targets = yield* concerning(subject, openUnless(offered, decodeTargets, authority));
  refuseVersion(targets.signed, named.version, subject);
  refuseExpired(targets.signed, at.now, subject);
  return targets;
}

/** The documents of an earlier run are floors, valid or expired: only their signatures are asked for. */
export function* openFloor(
  at: AtRoot,
  stored: { readonly timestamp?: Uint8Array | undefined; readonly snapshot?: Uint8Array | undefined },
): Sliced<Survivors> {
  const { timestamp, snapshot } = stored;
  return {
    timestamp:
      timestamp === undefined
        ? undefined
        : yield* concerning('timestamp', open(timestamp, decodeTimestamp, authorityOf(at.root.signed, 'timestamp'))),
    snapshot:
      snapshot === undefined
        ? undefined
        : yield* concerning('snapshot', open(snapshot, decodeSnapshot, authorityOf(at.root.signed, 'snapshot'))),
  };
}

/** What was opened before counts only under the authority that is asked now. */
function openUnless<S extends Signed>(
  offered: Uint8Array | Verified<S>,
  decode: Decode<S>,
  authority: Authority,
): Sliced<Verified<S>> {
  return offered instanceof Uint8Array ? open(offered, decode, authority) : Verified.reopen(offered, decode, authority);
}
