import { instantText } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import { survive } from '../../tuf/accept.ts';
import type { Instant } from '../../tuf/model.ts';
import { type MetadataSource, refresh, type Trusted } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { type AtRoot, asOf, type Generation } from '../../tuf/stages.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import { isRecent } from '../unsigned/freshness.ts';
import { earliestExpiry, expiries, survivorsOf, versions } from './generations.ts';
import { restoreTrust } from './restore.ts';

interface KeeperOptions {
  readonly index: string;
  readonly pinnedRoot: Uint8Array;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly clock: Clock;
  readonly patience: Runner;
  readonly events: Events;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** No time before it is believed: this program did not exist then. */
  readonly notBefore: Instant;
}

export interface LastError {
  readonly reason: string;
  readonly message: string;
  readonly at: Instant;
}

/** Holds the current generation of one index, and is the only one to swap it. */
export interface Keeper {
  /** Unexpired at this instant. Waits for a refresh only where there is none; throws `expired`, `clock`, or what the refresh threw. */
  generation(): Promise<Generation>;
  /** The newest published, expired or not: what downstream TUF clients get to judge themselves. */
  relayed(): Promise<Generation>;
  /** The current one if it may be served this instant; starts a refresh behind it when it is due. No I/O. */
  warm(): Generation | undefined;
  /** Refreshes now, or joins the refresh under way. */
  refreshNow(): Promise<Generation>;
  /** The generation that came after this one, asking upstream for it; undefined where there is none, or none can be had. */
  following(generation: Generation): Promise<Generation | undefined>;
  /** The newest published, as it is; nothing is asked of upstream. */
  readonly held: Generation | undefined;
  /** The last few it replaced, newest first: clients in mid-walk still hold their snapshots. */
  readonly replaced: readonly Generation[];
  /** Waits for the refresh under way, whatever comes of it. */
  settled(): Promise<void>;
  root(version: number): TrustedRoot | undefined;
  readonly newestRoot: TrustedRoot;
  readonly lastRefresh: Instant | undefined;
  readonly lastError: LastError | undefined;
}

/** Seconds before a failed refresh is tried again by a request that has nothing else to go on. */
const RETRY_AFTER = 2;
/** Seconds after which an unchanged generation is written again, so that the clock floor moves. */
const FLOOR_STEP = 3600;
/** Generations kept in memory behind the current one; a walk takes seconds. */
const REPLACED_MOST = 2;
/** Publications of other processes that one refresh gives way to before it leaves it at theirs. */
const SUPERSEDED_MOST = 3;

export async function createKeeper(options: KeeperOptions): Promise<Keeper> {
  const { index, store, source, clock, patience, events } = options;
  const restored = await restoreTrust({ ...options, now: clock.now() });
  const roots = new Map(restored.roots);
  let trusted: Trusted = {
    at: restored.at,
    survivors: restored.survivors,
    targets: restored.generation?.targets,
  };
  let { generation, current } = restored;
  let replaced: readonly Generation[] = [];
  let floor = Math.max(restored.acceptedAt, options.notBefore);
  let stored = restored.acceptedAt;
  let lastRefresh: Instant | undefined;
  let lastError: LastError | undefined;
  let failure: { readonly error: unknown; readonly at: Instant } | undefined;
  let flight: Promise<Generation> | undefined;
  let fruitless: { readonly generation: Generation; readonly at: Instant } | undefined;

  const refuseWrongClock = (now: Instant) => {
    if (now < floor)
      throw new Refusal(
        'clock',
        `This machine's clock says ${instantText(now)}, which is before ${instantText(floor)}: a time that has already passed. Set the clock.`,
        { subject: 'state', transient: true },
      );
  };

  const keepRoot = async (root: TrustedRoot, now: Instant) => {
    await store.keepRoot(root.signed.version, lend(root.bytes));
    roots.set(root.signed.version, root);
    const at: AtRoot = asOf(root, now);
    trusted = { at, survivors: survive(trusted.at, at, trusted.survivors) };
  };

  const replace = (next: Generation | undefined) => {
    if (generation !== undefined && generation.snapshot !== next?.snapshot)
      replaced = [generation, ...replaced].slice(0, REPLACED_MOST);
    generation = next;
  };

  /** False where another process published meanwhile. */
  const publish = async (next: Generation, now: Instant): Promise<boolean> => {
    if (next.timestamp === generation?.timestamp && next.root === generation.root && now - stored < FLOOR_STEP)
      return true;
    const publication = await store.publish(
      {
        rootVersion: next.root.signed.version,
        timestamp: lend(next.timestamp.bytes),
        snapshot: lend(next.snapshot.bytes),
        targets: lend(next.targets.bytes),
        snapshotVersion: next.snapshot.signed.version,
        targetsVersion: next.targets.signed.version,
        acceptedAt: now,
      },
      current,
    );
    if (publication.result === 'superseded') return false;
    current = publication.current;
    stored = now;
    replace(next);
    trusted = { at: asOf(next.root, now), survivors: survivorsOf(next), targets: next.targets };
    return true;
  };

  /** Another process on the same directory went ahead: believe what it published, once it is proved here. */
  const adopt = async () => {
    const newer = await restoreTrust({ ...options, now: clock.now() });
    for (const [version, root] of newer.roots) roots.set(version, root);
    trusted = { at: newer.at, survivors: newer.survivors, targets: newer.generation?.targets };
    replace(newer.generation);
    ({ current } = newer);
    floor = Math.max(floor, newer.acceptedAt);
    stored = newer.acceptedAt;
  };

  const refreshAndPublish = async (now: Instant): Promise<Generation> => {
    for (let superseded = 0; ; superseded++) {
      const next = await refresh({ ...trusted, at: asOf(trusted.at.root, now) }, source, patience, {
        root: (root) => keepRoot(root, now),
        // TUF §5.4.5: a floor from now on, though the rest of this refresh may fail, or this process end.
        timestamp: async (timestamp) => {
          if (timestamp === trusted.survivors.timestamp) return;
          trusted = { ...trusted, survivors: { ...trusted.survivors, timestamp } };
          await store.keepTimestamp({
            rootVersion: trusted.at.root.signed.version,
            version: timestamp.signed.version,
            bytes: lend(timestamp.bytes),
          });
        },
        equivocated: (held) =>
          events.note({
            index,
            message: 'upstream sent other bytes under a timestamp version already held',
            detail: { version: held.signed.version },
          }),
      });
      // An unchanged one leaves the generation as it is, and everything proved under it warm.
      if (await publish(next, now)) return generation ?? next;
      await adopt();
      // Ours may be newer still: once more, from what is believed now.
      if (superseded === SUPERSEDED_MOST) return generation ?? next;
    }
  };

  const run = async (): Promise<Generation> => {
    const now = clock.now();
    const started = performance.now();
    const seconds = () => (performance.now() - started) / 1000;
    try {
      refuseWrongClock(now);
      const before = generation?.timestamp;
      const next = await refreshAndPublish(now);
      const changed = next.timestamp !== before;
      floor = Math.max(floor, now);
      lastRefresh = now;
      lastError = undefined;
      failure = undefined;
      events.refreshed({
        index,
        result: changed ? 'changed' : 'unchanged',
        seconds: seconds(),
        versions: versions(next),
        expires: expiries(next),
      });
      return next;
    } catch (error) {
      failure = { error, at: now };
      lastError = {
        reason: error instanceof Refusal ? error.reason : 'unreachable',
        message: error instanceof Error ? error.message : String(error),
        at: now,
      };
      events.refreshed({ index, result: 'failed', seconds: seconds() });
      if (error instanceof Refusal)
        events.rejected({
          index,
          reason: error.reason,
          subject: error.subject ?? 'timestamp',
          name: error.subject ?? 'metadata',
          message: error.message,
          at: 'upstream',
        });
      throw error;
    }
  };

  const refreshNow = () => {
    flight ??= run().finally(() => {
      flight = undefined;
    });
    return flight;
  };

  const isDue = (now: Instant) => {
    const last = Math.max(lastRefresh ?? 0, failure?.at ?? 0);
    return now - last >= options.refreshAfter || last > now;
  };

  const warm = (): Generation | undefined => {
    const now = clock.now();
    if (generation === undefined || now < floor || earliestExpiry(generation) <= now) return undefined;
    if (flight === undefined && isDue(now)) refreshNow().catch(() => undefined);
    return generation;
  };

  const unexpired = async (): Promise<Generation> => {
    const held = warm();
    if (held !== undefined) return held;
    const now = clock.now();
    refuseWrongClock(now);
    if (flight === undefined && failure !== undefined && isRecent(failure.at, RETRY_AFTER, now)) throw failure.error;
    return refreshNow();
  };

  return {
    warm,
    generation: unexpired,
    async relayed() {
      try {
        return await unexpired();
      } catch (error) {
        const wrongClock = error instanceof Refusal && error.reason === 'clock';
        if (generation === undefined || wrongClock) throw error;
        return generation;
      }
    },
    refreshNow,
    async following(before) {
      if (generation !== undefined && generation !== before) return generation;
      const now = clock.now();
      // Whoever asks for what upstream has lost must not make us ask upstream each time.
      if (fruitless?.generation === before && isRecent(fruitless.at, RETRY_AFTER, now)) return undefined;
      const next = await refreshNow().catch(() => undefined);
      if (next !== undefined && next !== before) return next;
      fruitless = { generation: before, at: now };
      return undefined;
    },
    settled: async () => void (await flight?.catch(() => undefined)),
    root: (version) => roots.get(version),
    get held() {
      return generation;
    },
    get replaced() {
      return replaced;
    },
    get newestRoot() {
      return trusted.at.root;
    },
    get lastRefresh() {
      return lastRefresh;
    },
    get lastError() {
      return lastError;
    },
  };
}
