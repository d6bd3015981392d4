import type { Instant } from '../../bytes/instant.ts';
import { sameBytes } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { StoredClockFloor, StoredTrust, TrustStore } from '../../ports/trust/trust-store.ts';
import { survive } from '../../tuf/accept.ts';
import { LIMITS } from '../../tuf/limits.ts';
import type { MetadataSource } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { asOf, type Generation } from '../../tuf/stages.ts';
import { openTimestamp, type Survivors } from '../../tuf/stored.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import { openUpdater, type Updater } from '../../tuf/updater.ts';

/** What a start found to believe: the pinned root, or everything a run before it had accepted. */
export interface RestoredTrust {
  readonly updater: Updater;
  readonly roots: ReadonlyMap<number, TrustedRoot>;
  readonly generation: Generation | undefined;
  /** Identity of the stored pointer, for the next publish. */
  readonly current: string | undefined;
  readonly clockFloor: StoredClockFloor;
}

interface Restoring {
  readonly pinnedRoot: Uint8Array;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly now: Instant;
  readonly runner: Runner;
  /** The root given is the very one that this index was started with the last time. */
  readonly isSameRoot?: boolean | undefined;
}

/**
 * Proves the stored trust again from the pinned root: one walk over what was published, judged at a time that had passed when
 * it was accepted; then the root part of the walk alone over roots that were kept later, because a root that was kept after the
 * last publication may have rotated the keys of what was published; then the timestamp floor. Throws `state` where the
 * pinned root is not part of the stored chain, or where what was believed before cannot be proved any more.
 */
export async function restoreTrust(restoring: Restoring): Promise<RestoredTrust> {
  const { pinnedRoot, store, source, now, runner, isSameRoot = false } = restoring;
  const updater = await openUpdater(pinnedRoot, runner);
  const roots = new Map([[updater.root.signed.version, updater.root]]);
  const stored = await store.load((role, wanted) => documentAgain(source, role, wanted));
  const { version } = updater.root.signed;
  // A copy that is damaged can be had again: from the root given.
  if (stored === undefined || (isSameRoot && !stored.roots.has(version))) await store.keepRoot(version, pinnedRoot);
  else refuseOtherPin(updater.root, stored);
  const generation = stored && (await walkStored(updater, stored, { store, source, roots }));
  await followKept(updater, now, { store, roots });
  await raiseFloor(updater, { store, roots, runner });
  const clockFloor = { at: stored?.acceptedAt ?? 0, words: stored?.clockWords ?? 0 };
  return { updater, roots, generation, current: stored?.current, clockFloor };
}

const DAMAGED =
  'What this mirror had accepted before can no longer be proved: its stored trust state was damaged or exchanged. Restore it from a backup, or start with --new-trust INDEX=REASON to begin again from the pinned root.';

function damaged(cause: unknown): Refusal {
  // Damage that says itself what is to be done.
  if (cause instanceof Refusal && cause.reason === 'state') return cause;
  return new Refusal('state', `${DAMAGED} ${cause instanceof Error ? cause.message : ''}`, { subject: 'state', cause });
}

/** The floors belong to a chain; a root outside it would silently drop them. */
function refuseOtherPin(pinned: TrustedRoot, stored: StoredTrust): void {
  const kept = stored.roots.get(pinned.signed.version);
  if (kept !== undefined && sameBytes(kept, pinned.bytes)) return;
  throw new Refusal(
    'state',
    `The root given (version ${pinned.signed.version}) is not one this index has trusted before. If you mean to start again from it, add --new-trust INDEX=REASON.`,
    { subject: 'state' },
  );
}

interface Own {
  readonly store: TrustStore;
  readonly roots: Map<number, TrustedRoot>;
}

/** The generation as it stood; whoever serves from it compares expiry with the clock. */
async function walkStored(
  updater: Updater,
  stored: StoredTrust,
  { store, source, roots }: Own & { readonly source: MetadataSource },
): Promise<Generation> {
  /** Roots that proved no longer, as upstream has them: they can only come back as they were signed. */
  const mended = new Map<number, Uint8Array>();
  const keep = {
    async root(root: TrustedRoot) {
      const { version } = root.signed;
      roots.set(version, root);
      const again = mended.get(version);
      if (again !== undefined) await store.keepRoot(version, again);
    },
  };
  for (;;) {
    try {
      return await updater.refresh({
        source: storedSource(stored, mended),
        now: stored.acceptedAt,
        keep,
        mostRoots: Number.POSITIVE_INFINITY,
      });
    } catch (error) {
      const next = updater.root.signed.version + 1;
      if (next > stored.rootVersion || !(error instanceof Refusal)) throw damaged(error);
      if (mended.has(next)) throw damaged(error);
      const again = await rootAgain(source, next);
      if (again === undefined) throw damaged(new Error(`Root version ${next} is missing here and upstream.`));
      mended.set(next, again);
    }
  }
}

/** Under the name that it has with consistent snapshots, or without; whoever asks knows which bytes it is to be. */
async function documentAgain(source: MetadataSource, role: 'snapshot' | 'targets', version: number) {
  const read = (named: number | undefined) =>
    source.read({ role, version: named, limit: LIMITS[role] }).catch(() => undefined);
  return (await read(version)) ?? (await read(undefined));
}

async function rootAgain(source: MetadataSource, version: number): Promise<Uint8Array | undefined> {
  try {
    return await source.read({ role: 'root', version, limit: LIMITS.root });
  } catch (cause) {
    throw new Refusal(
      'state',
      `Root version ${version} is damaged here and can be had again, but upstream does not give it now: ${cause instanceof Error ? cause.message : String(cause)} Start again when it does; nothing needs to be given up.`,
      { subject: 'state', cause },
    );
  }
}

/** What was published: the documents, and the roots up to the one they were signed under. */
function storedSource(stored: StoredTrust, mended: ReadonlyMap<number, Uint8Array>): MetadataSource {
  return {
    async read({ role, version = 0 }) {
      if (role === 'timestamp' || role === 'snapshot' || role === 'targets') return stored[role];
      if (version > stored.rootVersion) return undefined;
      const root = mended.get(version) ?? stored.roots.get(version);
      // Its absence is no end of the chain.
      if (root === undefined) throw new Refusal('state', `Root version ${version} is missing.`, { subject: 'root' });
      return root;
    },
  };
}

/**
 * Roots that were kept after the last publication: a run may have ended between a new root and the metadata under it, and
 * a root once trusted is never given up for an older one. What does not follow from the chain was never ours.
 */
async function followKept(updater: Updater, now: Instant, { store, roots }: Own): Promise<void> {
  try {
    await updater.refreshRoots({
      source: { read: ({ version = 0 }) => store.root(version) },
      now,
      keep: { root: (root) => void roots.set(root.signed.version, root) },
      mostRoots: Number.POSITIVE_INFINITY,
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
}

/** A floor is written before what it names: one that is older than what was published was put back. Both under the newest root. */
function refusePutBack(floor: number, published = 0): void {
  if (floor >= published) return;
  throw new Refusal(
    'state',
    `Timestamp version ${published} was published here, and the newest that was ever believed is said to be version ${floor}: it was put back. Restore both from one backup, or start with --new-trust INDEX=REASON to begin again from the pinned root.`,
    { subject: 'state' },
  );
}

/** A timestamp that was believed although its refresh never came to an end is a floor, unless its keys were rotated since. */
async function raiseFloor(
  updater: Updater,
  { store, roots, runner }: Own & { readonly runner: Runner },
): Promise<void> {
  try {
    const kept = await store.timestamp();
    if (kept === undefined) return;
    const [oldest = kept.rootVersion] = roots.keys();
    const first = Math.max(kept.rootVersion, oldest);
    let root = roots.get(first);
    if (root === undefined) return;
    let floor: Survivors;
    try {
      floor = { timestamp: await runner(openTimestamp(asOf(root, 0), kept.bytes)) };
    } catch (error) {
      // A later root of the chain is pinned by now: its keys may be others.
      if (first !== kept.rootVersion && error instanceof Refusal) return;
      throw error;
    }
    for (let next = roots.get(first + 1); next !== undefined; next = roots.get(next.signed.version + 1)) {
      floor = survive(root, next, floor);
      root = next;
    }
    if (floor.timestamp === undefined) return;
    refusePutBack(floor.timestamp.signed.version, updater.survivors.timestamp?.signed.version);
    updater.raise(floor.timestamp);
  } catch (error) {
    throw damaged(error);
  }
}
