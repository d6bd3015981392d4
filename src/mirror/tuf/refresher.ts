import { internalCaller } from '../../async/caller.ts';
import { type Instant, instantText } from '../../bytes/instant.ts';
import { lend, sameBytes } from '../../bytes/proof.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Heard } from '../../ports/newest.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { MetadataFor, UpstreamMetadata } from '../../ports/upstream.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import type { Updater } from '../../tuf/updater.ts';
import type { CommonMetadata } from '../common-documents.ts';
import type { Reports } from '../projects/reports.ts';
import type { FlooredClock } from './clock-floor.ts';
import { type RestoredTrust, restoreTrust } from './restore.ts';
import { SharedSource } from './shared-source.ts';

export interface RefresherOptions {
  readonly index: string;
  readonly pinnedRoot: Uint8Array;
  readonly isSameRoot?: boolean | undefined;
  readonly store: TrustStore;
  readonly source: MetadataFor;
  readonly clock: FlooredClock;
  readonly runner: Runner;
  readonly reports: Reports;
  /** What other replicas had. */
  readonly shared?: CommonMetadata | undefined;
  /** Told of a timestamp before anything is served by it. */
  readonly onBelieved?: ((timestamp: Uint8Array) => void) | undefined;
}

/** What a walk came to. */
export interface Walk {
  readonly next: Generation;
  /** Identity of what was published when it began. */
  readonly pointer: string | undefined;
}

/** Seconds after which an unchanged generation is written again, so that the clock floor moves. */
const FLOOR_STEP = 3600;
/** Two clocks that differ by more do not agree. Seconds. */
const TOLERANCE = 300;
/** Generations kept in memory behind the current one; a walk takes seconds. */
const REPLACED_MOST = 2;
/** Upstream could not be asked: whatever was read before may be right. */
const UNASKED: ReadonlySet<Reason> = new Set(['unreachable', 'slow', 'forbidden', 'offline']);
const ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
/** Publications of other processes that one refresh gives way to before it leaves it at theirs. */
export const SUPERSEDED_MOST = 3;

/** Walks from what is trusted to what upstream has now, and publishes it: roots and timestamp floor first, durably. */
export class Refresher {
  readonly #options: RefresherOptions;
  readonly #roots: Map<number, TrustedRoot>;
  #updater: Updater;
  #generation: Generation | undefined;
  #replaced: readonly Generation[] = [];
  /** Identity of what is stored, for the next publish. */
  #pointer: string | undefined;
  /** The clock floor on disk. */
  #storedFloor: Instant;
  /** True where the two clocks did not agree the last time. */
  #differs = false;

  constructor(options: RefresherOptions, restored: RestoredTrust) {
    this.#options = options;
    this.#roots = new Map(restored.roots);
    this.#updater = restored.updater;
    this.#generation = restored.generation;
    this.#pointer = restored.current;
    this.#storedFloor = restored.clockFloor.at;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  get replaced(): readonly Generation[] {
    return this.#replaced;
  }

  get newestRoot(): TrustedRoot {
    return this.#updater.root;
  }

  root(version: number): TrustedRoot | undefined {
    return this.#roots.get(version);
  }

  /** The generation that is believed from now on; `now` is fixed for the whole walk (TUF §5.1). */
  async refresh(source: UpstreamMetadata, now: Instant): Promise<Generation> {
    for (let superseded = 0; ; superseded++) {
      const walk = await this.#walkSharing(source, now);
      // Ours may be newer than what another process published meanwhile: once more, from what is believed now.
      if ((await this.publish(walk)) || superseded === SUPERSEDED_MOST) return this.#generation ?? walk.next;
    }
  }

  /** What another replica had and does not hold here is upstream's to give. */
  async #walkSharing(source: UpstreamMetadata, now: Instant): Promise<Walk> {
    const { shared } = this.#options;
    if (shared === undefined) return this.walk(source, now);
    const sharing = new SharedSource(source, shared);
    try {
      const walk = await this.walk(sharing, now);
      sharing.accepted();
      return walk;
    } catch (error) {
      if (!(error instanceof Refusal) || UNASKED.has(error.reason) || !sharing.hasGiven) throw error;
      sharing.refused();
      return this.walk(source, now);
    }
  }

  /** Another replica believes this timestamp. What it names is believed once all of it is proved here. */
  async hear(timestamp: Uint8Array, source: UpstreamMetadata, now: Instant): Promise<Heard> {
    const known = this.#generation?.timestamp;
    const { shared } = this.#options;
    if (shared === undefined || (known !== undefined && sameBytes(known.bytes, timestamp))) return 'known';
    // Whoever believes nothing yet asks upstream for its newest root first, as at any start (TUF §5.3).
    const heard = new SharedSource(source, shared, { timestamp, underRoot: known !== undefined });
    try {
      const walk = await this.walk(heard, now);
      heard.accepted();
      if (walk.next.timestamp === known) return 'known';
      await this.publish(walk);
      return 'newer';
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      heard.refused();
      if (UNASKED.has(error.reason) || error.reason === 'expired') return 'unusable';
      // A floor that nothing was published by yet is no document to put in its place.
      const isOlder = error.reason === 'rollback' && this.#updater.survivors.timestamp === known;
      return isOlder && known !== undefined ? 'older' : 'unproved';
    }
  }

  /** From what is trusted to what the source has now; roots and the timestamp's floor are kept, nothing is published. */
  async walk(source: UpstreamMetadata, now: Instant): Promise<Walk> {
    const { store, reports } = this.#options;
    const updater = this.#updater;
    const pointer = this.#pointer;
    const next = await updater.refresh({
      source,
      now,
      keep: {
        root: async (root) => {
          await store.keepRoot(root.signed.version, lend(root.bytes));
          this.#roots.set(root.signed.version, root);
        },
        // TUF §5.4.5: a floor from now on, though the rest of this walk may fail, or this process end.
        timestamp: (timestamp) =>
          store.keepTimestamp({
            rootVersion: updater.root.signed.version,
            version: timestamp.signed.version,
            bytes: lend(timestamp.bytes),
          }),
        unfinished: (root) =>
          reports.noted('upstream has more new roots than one refresh follows; the next refresh goes on', {
            version: root.signed.version,
          }),
        equivocated: (accepted) =>
          reports.noted('upstream sent other bytes under a timestamp version already stored', {
            version: accepted.signed.version,
          }),
      },
    });
    this.#hear(source.timeThere?.());
    return { next, pointer };
  }

  /** Signatures held, so that this was upstream: its clock is evidence. */
  #hear(there: Instant | undefined): void {
    const { clock, reports } = this.#options;
    clock.heard(there);
    const differs = there !== undefined && Math.abs(clock.now() - there) > TOLERANCE;
    if (differs && !this.#differs)
      reports.noted("this machine's clock and upstream's do not agree; no time after either is held to have passed", {
        here: instantText(clock.now()),
        there: instantText(there),
      });
    this.#differs = differs;
  }

  /** False where another refresh went ahead meanwhile, here or in another process: its generation is believed then. */
  async publish({ next, pointer }: Walk): Promise<boolean> {
    if (pointer !== this.#pointer) return false;
    if (await this.#publish(next)) return true;
    await this.adopt();
    return false;
  }

  /** False where another process published meanwhile. An unchanged generation stays, and everything proved under it warm. */
  async #publish(next: Generation): Promise<boolean> {
    const generation = this.#generation;
    // Not the timestamp alone: it may name by version what was signed again.
    const isSame = ROLES.every((role) => next[role] === generation?.[role]);
    const { clock } = this.#options;
    const acceptedAt = clock.shown;
    if (isSame && acceptedAt - this.#storedFloor < FLOOR_STEP) return true;
    const { timestamp, snapshot, targets, root } = next;
    const publication = await this.#options.store.publish(
      {
        rootVersion: root.signed.version,
        timestamp: lend(timestamp.bytes),
        snapshot: lend(snapshot.bytes),
        targets: lend(targets.bytes),
        snapshotVersion: snapshot.signed.version,
        targetsVersion: targets.signed.version,
        acceptedAt,
        publishedAt: clock.now(),
      },
      this.#pointer,
    );
    if (publication.result === 'superseded') return false;
    this.#pointer = publication.current;
    this.#storedFloor = acceptedAt;
    if (!isSame) this.#options.onBelieved?.(lend(timestamp.bytes));
    this.#replace(next);
    return true;
  }

  /** Another process or replica went ahead: what it published is believed, once it is proved here. */
  async adopt(): Promise<void> {
    const source = this.#options.source(internalCaller(this.#options.index));
    const newer = await restoreTrust({ ...this.#options, source, now: this.#options.clock.judged() });
    for (const [version, root] of newer.roots) this.#roots.set(version, root);
    this.#updater = newer.updater;
    this.#replace(newer.generation);
    this.#pointer = newer.current;
    this.#storedFloor = newer.clockFloor.at;
    this.#options.clock.stored(newer.clockFloor);
  }

  #replace(next: Generation | undefined): void {
    const generation = this.#generation;
    if (generation !== undefined && generation.snapshot !== next?.snapshot)
      this.#replaced = [generation, ...this.#replaced].slice(0, REPLACED_MOST);
    this.#generation = next;
  }
}
