import { sameBytes } from '../bytes/proof.ts';
import { type Reason, Refusal } from '../bytes/refusal.ts';
import { acceptSnapshot, acceptTargets, acceptTimestamp, metaOf } from './accept.ts';
import { LIMITS } from './limits.ts';
import type { Delegation, MetaFile, Targets, Timestamp } from './model.ts';
import type { Runner } from './sliced.ts';
import type { AtRoot, AtSnapshot, AtTimestamp, Generation } from './stages.ts';
import type { Survivors } from './stored.ts';
import type { Verified } from './verified.ts';

// The steps of a walk that read one document each. Who walks is updater.ts.

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

/** TUF §5.4. */
export async function newestTimestamp(
  at: AtRoot,
  survivors: Survivors,
  source: MetadataSource,
  run: Runner,
  equivocated: ((accepted: Verified<Timestamp>, offered: Uint8Array) => void) | undefined,
): Promise<AtTimestamp> {
  const bytes = await source.read({ role: 'timestamp', version: undefined, limit: LIMITS.timestamp });
  if (bytes === undefined) throw missing('timestamp');
  const next = await run(acceptTimestamp(at, bytes, survivors));
  if (next.timestamp === survivors.timestamp && !sameBytes(next.timestamp.bytes, bytes))
    equivocated?.(next.timestamp, bytes);
  return next;
}

/** TUF §5.5; the one before where it is still the one announced. */
export async function announcedSnapshot(
  at: AtTimestamp,
  survivors: Survivors,
  source: MetadataSource,
  run: Runner,
): Promise<AtSnapshot> {
  const named = at.timestamp.signed.snapshot;
  const before = survivors.snapshot;
  if (before?.signed.version === named.version) {
    const same = await unlessOther(named, () => run(acceptSnapshot(at, before, survivors)));
    if (same !== undefined) return same;
  }
  const bytes = await source.read({
    role: 'snapshot',
    version: versionIn(at, named.version),
    limit: within(named.length, LIMITS.snapshot, 'snapshot'),
  });
  if (bytes === undefined) throw missing('snapshot');
  return run(acceptSnapshot(at, bytes, survivors));
}

/** TUF §5.6.1–6; those before where they are still the ones announced and still carry enough signatures. */
export async function announcedTargets(
  at: AtSnapshot,
  before: Verified<Targets> | undefined,
  source: MetadataSource,
  run: Runner,
): Promise<Generation> {
  const named = metaOf(at, 'targets');
  if (before?.signed.version === named.version) {
    const same = await unlessOther(named, () => run(acceptTargets(at, before)));
    if (same !== undefined) return same;
  }
  const bytes = await source.read({
    role: 'targets',
    version: versionIn(at, named.version),
    limit: within(named.length, LIMITS.targets, 'targets', LIMITS.unannouncedTargets),
  });
  if (bytes === undefined) throw missing('targets');
  return run(acceptTargets(at, bytes));
}

/** The bytes of a delegated role as the snapshot announces it, for `acceptDelegated`; undefined where they do not exist. */
export async function readDelegated(
  at: AtSnapshot,
  { name }: Pick<Delegation, 'name'>,
  source: MetadataSource,
): Promise<Uint8Array | undefined> {
  const { version, length } = metaOf(at, name);
  return source.read({
    role: name,
    version: versionIn(at, version),
    limit: within(length, LIMITS.targets, 'delegated', LIMITS.unannouncedTargets),
  });
}

/** The name to ask for: with its version where the root says that snapshots are consistent (TUF §5.3.12). */
function versionIn(at: AtRoot, version: number): number | undefined {
  return at.root.signed.consistentSnapshot ? version : undefined;
}

/** The announced length, or `unannounced` where none is; an announcement above the limit is refused unread. */
function within(
  announced: number | undefined,
  limit: number,
  subject: 'snapshot' | 'targets' | 'delegated',
  unannounced = limit,
): number {
  if (announced !== undefined && announced > limit)
    throw new Refusal(
      'limit',
      `The ${subject} metadata is announced with ${announced} bytes; at most ${limit} are read.`,
      { subject },
    );
  return announced ?? unannounced;
}

const OTHER: ReadonlySet<Reason> = new Set(['digest', 'length', 'threshold']);

/**
 * A document of the right version but other bytes, or too few signatures by now: the right one is asked for. So is one past
 * its date where nothing but its version is announced: some repositories sign the same version again with a later date.
 */
async function unlessOther<T>(named: MetaFile, accept: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await accept();
  } catch (error) {
    const mayBeOther =
      error instanceof Refusal &&
      (OTHER.has(error.reason) || (error.reason === 'expired' && named.digests === undefined));
    if (mayBeOther) return undefined;
    throw error;
  }
}

function missing(role: 'timestamp' | 'snapshot' | 'targets'): Refusal {
  return new Refusal('unreachable', `Upstream has no ${role} metadata where it should be.`, {
    subject: role,
    transient: true,
  });
}
