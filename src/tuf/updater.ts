import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import { acceptRoot, refuseExpiredRoot, survive } from './accept.ts';
import { LIMITS } from './limits.ts';
import type { Snapshot, Targets, Timestamp } from './model.ts';
import { announcedSnapshot, announcedTargets, type MetadataSource, newestTimestamp } from './refresh.ts';
import type { Runner, Sliced } from './sliced.ts';
import { type AtRoot, asOf, type Generation } from './stages.ts';
import { openSnapshot, openTargets, openTimestamp, type Survivors } from './stored.ts';
import { pinRoot, type TrustedRoot } from './trusted-root.ts';
import type { Verified } from './verified.ts';

/** Told of each document the moment it is accepted and was not before; the walk goes on when it is kept. */
export interface Keep {
  /** `forget`: the keys of timestamp or snapshot were rotated, and what the older ones vouched for counts no longer. */
  root?(root: TrustedRoot, forget: boolean): Promise<void> | void;
  timestamp?(timestamp: Verified<Timestamp>): Promise<void>;
  snapshot?(snapshot: Verified<Snapshot>): Promise<void>;
  targets?(targets: Verified<Targets>): Promise<void>;
  /** There are more new roots than one walk follows: it went on with this one, and the next walk begins there. */
  unfinished?(root: TrustedRoot): void;
  /** The source sent other bytes under a timestamp version already accepted: the accepted ones stay, somebody should know. */
  equivocated?(accepted: Verified<Timestamp>, offered: Uint8Array): void;
}

/** One walk: where from, as of when, and what becomes of what it accepts. */
export interface WalkOptions {
  readonly source: MetadataSource;
  /** Fixed for the whole walk (TUF §5.1). */
  readonly now: Instant;
  readonly keep?: Keep | undefined;
  /** New roots to follow; LIMITS.rootsPerRefresh unless they are our own. */
  readonly mostRoots?: number | undefined;
}

/**
 * What is trusted of one repository, and the only walk that moves it forward (TUF §5): upstream's metadata, our own state
 * at a start and the directory of `verbatim client` are sources of the same walk. A walk that ends in a Refusal loses
 * nothing that it had accepted: the next one begins there.
 */
export class Updater {
  readonly #run: Runner;
  #root: TrustedRoot;
  #survivors: Survivors = {};
  #targets: Verified<Targets> | undefined;

  constructor(root: TrustedRoot, run: Runner) {
    this.#root = root;
    this.#run = run;
  }

  get root(): TrustedRoot {
    return this.#root;
  }

  /** The floors of what may come. */
  get survivors(): Survivors {
    return this.#survivors;
  }

  get targets(): Verified<Targets> | undefined {
    return this.#targets;
  }

  /** TUF §5.3 to §5.6.6. Throws Refusal. */
  async refresh(walk: WalkOptions): Promise<Generation> {
    let stoppedAt: TrustedRoot | undefined;
    const unfinished = (root: TrustedRoot) => {
      stoppedAt = root;
      walk.keep?.unfinished?.(root);
    };
    const at = await this.refreshRoots({ ...walk, keep: { ...walk.keep, unfinished } });
    try {
      refuseExpiredRoot(at);
      return await this.#refreshUnder(at, walk);
    } catch (error) {
      throw stoppedAt === undefined ? error : ofUnfinished(stoppedAt, error);
    }
  }

  async #refreshUnder(at: AtRoot, { source, keep = {} }: WalkOptions): Promise<Generation> {
    const accepted = this.#survivors.timestamp;
    const timestamped = await newestTimestamp(at, this.#survivors, source, this.#run, keep.equivocated);
    const { timestamp } = timestamped;
    if (timestamp !== accepted) {
      // TUF §5.4.5: a floor from now on, though the rest of this walk may fail.
      this.#survivors = { ...this.#survivors, timestamp };
      await keep.timestamp?.(timestamp);
    }
    const snapshotted = await announcedSnapshot(timestamped, this.#survivors, source, this.#run);
    const { snapshot } = snapshotted;
    if (snapshot !== this.#survivors.snapshot) {
      this.#survivors = { ...this.#survivors, snapshot };
      await keep.snapshot?.(snapshot);
    }
    const generation = await announcedTargets(snapshotted, this.#targets, source, this.#run);
    const { targets } = generation;
    if (targets !== this.#targets) {
      this.#targets = targets;
      await keep.targets?.(targets);
    }
    return generation;
  }

  /** TUF §5.3.3–9: the roots between the trusted one and the newest, and nothing else. Throws Refusal. */
  async refreshRoots({ source, now, keep = {}, mostRoots = LIMITS.rootsPerRefresh }: WalkOptions): Promise<AtRoot> {
    for (let taken = 0; ; taken++) {
      const at = asOf(this.#root, now);
      const version = this.#root.signed.version + 1;
      const bytes = await source.read({ role: 'root', version, limit: LIMITS.root });
      if (bytes === undefined) return at;
      if (taken >= mostRoots) {
        // TUF §5.3.3: on with the newest that was taken.
        keep.unfinished?.(this.#root);
        return at;
      }
      const { root } = await this.#run(acceptRoot(at, bytes));
      const survivors = survive(this.#root, root, this.#survivors);
      await keep.root?.(root, survivors !== this.#survivors);
      this.#root = root;
      this.#survivors = survivors;
    }
  }

  /** A timestamp that was accepted by a walk that did not come to its end; it lowers nothing. */
  raise(timestamp: Verified<Timestamp>): void {
    const { timestamp: floor } = this.#survivors;
    if (timestamp.signed.version > (floor?.signed.version ?? 0)) this.#survivors = { ...this.#survivors, timestamp };
  }

  /** Documents of an earlier run, valid or expired. What does not prove under the root of now is as good as absent. */
  async recall(stored: Readonly<Record<'timestamp' | 'snapshot' | 'targets', Uint8Array | undefined>>): Promise<void> {
    const at = asOf(this.#root, 0);
    const [timestamp, snapshot, targets] = [
      await this.#opened(stored.timestamp, (bytes) => openTimestamp(at, bytes)),
      await this.#opened(stored.snapshot, (bytes) => openSnapshot(at, bytes)),
      await this.#opened(stored.targets, (bytes) => openTargets(at, bytes)),
    ];
    this.#survivors = { timestamp, snapshot };
    this.#targets = targets;
  }

  async #opened<T>(bytes: Uint8Array | undefined, opening: (bytes: Uint8Array) => Sliced<T>): Promise<T | undefined> {
    if (bytes === undefined) return undefined;
    try {
      return await this.#run(opening(bytes));
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }
}

/** What a root in the middle of its chain cannot vouch for is not upstream's fault, and is over when the chain was followed. */
function ofUnfinished({ signed }: TrustedRoot, error: unknown): unknown {
  if (!(error instanceof Refusal) || (error.reason !== 'expired' && error.reason !== 'threshold')) return error;
  return new Refusal(
    'limit',
    `There are more new roots than one refresh follows; the next goes on from version ${signed.version}. Under that one: ${error.message}`,
    { subject: 'root', transient: true, cause: error },
  );
}

/** TUF §5.2: trust begins with these bytes; their expiry does not matter. Who may import this: test/architecture/makers.ts. */
export async function openUpdater(pinnedRoot: Uint8Array, run: Runner): Promise<Updater> {
  return new Updater(await run(pinRoot(pinnedRoot)), run);
}
