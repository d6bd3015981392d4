import type { Instant } from '../../bytes/instant.ts';
import { sameBytes } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { StoredTrust, TrustStore } from '../../ports/index-state.ts';
import { acceptRoot, acceptSnapshot, acceptTargets, acceptTimestamp, startFrom, survive } from '../../tuf/accept.ts';
import { LIMITS } from '../../tuf/limits.ts';
import type { MetadataSource } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { type AtRoot, asOf, type Generation } from '../../tuf/stages.ts';
import { openFloor, type Survivors } from '../../tuf/stored.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';

/** What a start found to believe: the pinned root, or everything a run before it had accepted. */
export interface RestoredTrust {
  readonly at: AtRoot;
  readonly roots: ReadonlyMap<number, TrustedRoot>;
  readonly survivors: Survivors;
  readonly generation: Generation | undefined;
  /** Identity of the stored pointer, for the next publish. */
  readonly current: string | undefined;
  /** The clock floor: no time before it is believed. */
  readonly acceptedAt: Instant;
}

interface Restoring {
  readonly pinnedRoot: Uint8Array;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly now: Instant;
  readonly runner: Runner;
}

/**
 * Proves the stored trust again from the pinned root. Throws `state` where the pinned root is not part of
 * the stored chain, or where what was believed before cannot be proved any more.
 */
export async function restoreTrust({ pinnedRoot, store, source, now, runner }: Restoring): Promise<RestoredTrust> {
  const pinned = await runner(startFrom(pinnedRoot, now));
  const stored = await store.load();
  if (stored === undefined) {
    await store.keepRoot(pinned.root.signed.version, pinnedRoot);
    const roots = new Map([[pinned.root.signed.version, pinned.root]]);
    const newest = await laterRoots({ at: pinned, survivors: {} }, roots, store, runner);
    const survivors = await proved(withKept(newest, pinned, roots, store, runner));
    return { at: newest.at, survivors, roots, generation: undefined, current: undefined, acceptedAt: 0 };
  }
  refuseOtherPin(pinned.root, stored);
  const { at, roots } = await replayRoots(pinned, stored, source, store, runner);
  return proved(
    (async () => {
      const before = await runner(openFloor(at, stored));
      const generation = await rebuild(at, stored, before, runner);
      const newest = await laterRoots({ at, survivors: before }, roots, store, runner);
      const survivors = await withKept(newest, pinned, roots, store, runner);
      return { at: newest.at, survivors, roots, generation, current: stored.current, acceptedAt: stored.acceptedAt };
    })(),
  );
}

/** What this mirror once believed proves again, or nothing is believed. */
async function proved<T>(again: Promise<T>): Promise<T> {
  try {
    return await again;
  } catch (cause) {
    throw new Refusal('state', `${DAMAGED} ${cause instanceof Error ? cause.message : ''}`, {
      subject: 'state',
      cause,
    });
  }
}

/** The floors, with a timestamp that was believed although its refresh never came to an end, unless its keys were rotated since. */
async function withKept(
  { at: newest, survivors }: { readonly at: AtRoot; readonly survivors: Survivors },
  pinned: AtRoot,
  roots: ReadonlyMap<number, TrustedRoot>,
  store: TrustStore,
  runner: Runner,
): Promise<Survivors> {
  const kept = await store.timestamp();
  if (kept === undefined) return survivors;
  const first = Math.max(kept.rootVersion, pinned.root.signed.version);
  const root = roots.get(first);
  if (root === undefined) return survivors;
  let at = asOf(root, newest.now);
  let floor: Survivors;
  try {
    floor = await runner(openFloor(at, { timestamp: kept.bytes }));
  } catch (error) {
    // A later root of the chain is pinned by now: its keys may be others.
    if (first !== kept.rootVersion && error instanceof Refusal) return survivors;
    throw error;
  }
  for (let version = first + 1; version <= newest.root.signed.version; version++) {
    const next = roots.get(version);
    if (next === undefined) break;
    const after = asOf(next, newest.now);
    floor = survive(at, after, floor);
    at = after;
  }
  const { timestamp } = floor;
  const newer = timestamp !== undefined && timestamp.signed.version > (survivors.timestamp?.signed.version ?? 0);
  return newer ? { ...survivors, timestamp } : survivors;
}

/**
 * Roots that were kept after the last publish: a run may have ended between a new root and the metadata under it, and
 * a root once trusted is never given up for an older one. What does not follow from the chain was never ours.
 */
async function laterRoots(
  from: { readonly at: AtRoot; readonly survivors: Survivors },
  roots: Map<number, TrustedRoot>,
  store: TrustStore,
  runner: Runner,
): Promise<{ readonly at: AtRoot; readonly survivors: Survivors }> {
  let { at, survivors } = from;
  for (;;) {
    const version = at.root.signed.version + 1;
    try {
      const bytes = await store.root(version);
      if (bytes === undefined) return { at, survivors };
      const next = await runner(acceptRoot(at, bytes));
      survivors = survive(at, next, survivors);
      at = next;
      roots.set(version, at.root);
    } catch (error) {
      if (error instanceof Refusal) return { at, survivors };
      throw error;
    }
  }
}

const DAMAGED =
  'What this mirror had accepted before can no longer be proved: its stored trust state was damaged or exchanged. Restore it from a backup, or start with --new-trust REASON to begin again from the pinned root.';

/** The floors belong to a chain; a root outside it would silently drop them. */
function refuseOtherPin(pinned: TrustedRoot, stored: StoredTrust): void {
  const kept = stored.roots.get(pinned.signed.version);
  if (kept !== undefined && sameBytes(kept, pinned.bytes)) return;
  throw new Refusal(
    'state',
    `The root given (version ${pinned.signed.version}) is not one this index has trusted before. If you mean to start again from it, add --new-trust REASON.`,
    { subject: 'state' },
  );
}

/** A stored root that no longer proves is asked for again upstream: it can only come back as it was signed. */
async function replayRoots(
  pinned: AtRoot,
  stored: StoredTrust,
  source: MetadataSource,
  store: TrustStore,
  runner: Runner,
): Promise<{ readonly at: AtRoot; readonly roots: Map<number, TrustedRoot> }> {
  const roots = new Map([[pinned.root.signed.version, pinned.root]]);
  let at = pinned;
  for (let version = pinned.root.signed.version + 1; version <= stored.rootVersion; version++) {
    at = await replayRoot(at, stored.roots.get(version), version, source, store, runner);
    roots.set(version, at.root);
  }
  return { at, roots };
}

async function replayRoot(
  at: AtRoot,
  bytes: Uint8Array | undefined,
  version: number,
  source: MetadataSource,
  store: TrustStore,
  runner: Runner,
): Promise<AtRoot> {
  try {
    if (bytes !== undefined) return await runner(acceptRoot(at, bytes));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  const again = await source.read({ role: 'root', version, limit: LIMITS.root });
  if (again === undefined)
    throw new Refusal('state', `${DAMAGED} Root version ${version} is missing here and upstream.`, {
      subject: 'state',
    });
  const next = await runner(acceptRoot(at, again));
  await store.keepRoot(version, again);
  return next;
}

/** The generation as it stood: judged at the time it was accepted; whoever serves from it compares expiry with the clock. */
async function rebuild(at: AtRoot, stored: StoredTrust, survivors: Survivors, runner: Runner): Promise<Generation> {
  const timestamped = await runner(acceptTimestamp(asOf(at.root, stored.acceptedAt), stored.timestamp, survivors));
  const snapshotted = await runner(acceptSnapshot(timestamped, survivors.snapshot ?? stored.snapshot, survivors));
  return runner(acceptTargets(snapshotted, stored.targets));
}
