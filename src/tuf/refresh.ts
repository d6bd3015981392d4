import { sameBytes } from '../bytes/proof.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import {
  acceptRoot,
  acceptSnapshot,
  acceptTargets,
  acceptTimestamp,
  metaOf,
  refuseExpiredRoot,
  survive,
} from './accept.ts';
import { LIMITS } from './limits.ts';
import type { Snapshot, Targets, Timestamp } from './model.ts';
import type { Runner } from './sliced.ts';
import type { AtRoot, AtSnapshot, AtTimestamp, Generation } from './stages.ts';
import type { Survivors } from './stored.ts';
import type { TrustedRoot } from './trusted-root.ts';
import type { Verified } from './verified.ts';

/** Where metadata is read from: upstream, our own disk, a bundle, a test. What it returns is suspect. */
export interface MetadataSource {
  /**
   * `version` undefined asks for the unversioned name. At most `limit` bytes (`limit` otherwise); undefined where the
   * document positively does not exist.
   */
  read(request: {
    readonly role: string;
    readonly version: number | undefined;
    readonly limit: number;
  }): Promise<Uint8Array | undefined>;
}

/** What is believed before a refresh. */
export interface Trusted {
  readonly at: AtRoot;
  readonly survivors: Survivors;
  /** Targets believed before; used again where they are still the ones announced and still carry enough signatures. */
  readonly targets?: Verified<Targets> | undefined;
}

/** Told of each document the moment it is accepted; it may make it durable before the next step. */
export interface Accepted {
  root?(root: TrustedRoot, forget: boolean): Promise<void>;
  timestamp?(timestamp: Verified<Timestamp>): Promise<void>;
  snapshot?(snapshot: Verified<Snapshot>): Promise<void>;
  targets?(targets: Verified<Targets>): Promise<void>;
  /** Upstream sent other bytes under a timestamp version already held: the held ones stay, somebody should know. */
  equivocated?(held: Verified<Timestamp>, offered: Uint8Array): void;
}

/** One refresh, TUF §5.3 to §5.6.6. Throws Refusal; nothing already accepted is lost by that. */
export async function refresh(
  trusted: Trusted,
  source: MetadataSource,
  run: Runner,
  accepted: Accepted = {},
): Promise<Generation> {
  const { at, survivors } = await refreshRoot(trusted, source, run, accepted);
  refuseExpiredRoot(at);
  const timestamped = await refreshTimestamp(at, survivors, source, run, accepted);
  await accepted.timestamp?.(timestamped.timestamp);
  const snapshotted = await refreshSnapshot(timestamped, survivors, source, run);
  await accepted.snapshot?.(snapshotted.snapshot);
  const generation = await refreshTargets(snapshotted, trusted.targets, source, run);
  await accepted.targets?.(generation.targets);
  return generation;
}

/** TUF §5.3.3–9: every root between the trusted one and the newest. */
async function refreshRoot(
  trusted: Trusted,
  source: MetadataSource,
  run: Runner,
  accepted: Accepted,
): Promise<{ at: AtRoot; survivors: Survivors }> {
  let { at, survivors } = trusted;
  for (let taken = 0; ; taken++) {
    const version = at.root.signed.version + 1;
    const bytes = await source.read({ role: 'root', version, limit: LIMITS.root });
    if (bytes === undefined) return { at, survivors };
    if (taken >= LIMITS.rootsPerRefresh)
      throw new Refusal('limit', `More than ${LIMITS.rootsPerRefresh} new roots in one refresh.`, { subject: 'root' });
    const next = await run(acceptRoot(at, bytes));
    const remaining = survive(at, next, survivors);
    await accepted.root?.(next.root, remaining !== survivors);
    at = next;
    survivors = remaining;
  }
}

async function refreshTimestamp(
  at: AtRoot,
  survivors: Survivors,
  source: MetadataSource,
  run: Runner,
  accepted: Accepted,
): Promise<AtTimestamp> {
  const bytes = await source.read({ role: 'timestamp', version: undefined, limit: LIMITS.timestamp });
  if (bytes === undefined) throw missing('timestamp');
  const next = await run(acceptTimestamp(at, bytes, survivors));
  if (next.timestamp === survivors.timestamp && !sameBytes(next.timestamp.bytes, bytes))
    accepted.equivocated?.(next.timestamp, bytes);
  return next;
}

async function refreshSnapshot(
  at: AtTimestamp,
  survivors: Survivors,
  source: MetadataSource,
  run: Runner,
): Promise<AtSnapshot> {
  const named = at.timestamp.signed.snapshot;
  const before = survivors.snapshot;
  if (before?.signed.version === named.version) {
    const held = await unlessOther(() => run(acceptSnapshot(at, before, survivors)));
    if (held !== undefined) return held;
  }
  const bytes = await source.read({
    role: 'snapshot',
    version: versionIn(at, named.version),
    limit: within(named.length, LIMITS.snapshot, 'snapshot'),
  });
  if (bytes === undefined) throw missing('snapshot');
  return run(acceptSnapshot(at, bytes, survivors));
}

async function refreshTargets(
  at: AtSnapshot,
  held: Verified<Targets> | undefined,
  source: MetadataSource,
  run: Runner,
): Promise<Generation> {
  const named = metaOf(at, 'targets');
  if (held?.signed.version === named.version) {
    const same = await unlessOther(() => run(acceptTargets(at, held)));
    if (same !== undefined) return same;
  }
  const bytes = await source.read({
    role: 'targets',
    version: versionIn(at, named.version),
    limit: within(named.length, LIMITS.targets, 'targets'),
  });
  if (bytes === undefined) throw missing('targets');
  return run(acceptTargets(at, bytes));
}

/** The name to ask for: with its version where the root says that snapshots are consistent (TUF §5.3.12). */
export function versionIn(at: AtRoot, version: number): number | undefined {
  return at.root.signed.consistentSnapshot ? version : undefined;
}

/** The announced length, or the limit where none is; an announcement above the limit is refused unread. */
export function within(
  announced: number | undefined,
  limit: number,
  subject: 'snapshot' | 'targets' | 'delegated',
): number {
  if (announced !== undefined && announced > limit)
    throw new Refusal(
      'limit',
      `The ${subject} metadata is announced with ${announced} bytes; at most ${limit} are read.`,
      { subject },
    );
  return announced ?? limit;
}

const OTHER: ReadonlySet<Reason> = new Set(['digest', 'length', 'threshold']);

/** A held document of the right version but other bytes, or too few signatures by now: ask upstream for the right one. */
async function unlessOther<T>(accept: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await accept();
  } catch (error) {
    if (error instanceof Refusal && OTHER.has(error.reason)) return undefined;
    throw error;
  }
}

function missing(role: 'timestamp' | 'snapshot' | 'targets'): Refusal {
  return new Refusal('unreachable', `Upstream has no ${role} metadata where it should be.`, {
    subject: role,
    transient: true,
  });
}
