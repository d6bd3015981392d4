import type { Instant } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import { survive } from '../../tuf/accept.ts';
import type { Timestamp } from '../../tuf/model.ts';
import { type MetadataSource, refresh, type Trusted } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import { type AtRoot, asOf, type Generation } from '../../tuf/stages.ts';
import type { TrustedRoot } from '../../tuf/trusted-root.ts';
import type { Verified } from '../../tuf/verified.ts';
import type { Reports } from '../projects/reports.ts';
import { survivorsOf } from './generations.ts';
import { type RestoredTrust, restoreTrust } from './restore.ts';

export interface RefresherOptions {
  readonly pinnedRoot: Uint8Array;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly reports: Reports;
}

/** Judges a generation that is proved and not published; what it throws keeps it from being published. */
export type BeforePublish = (next: Generation) => Promise<void>;

/** Seconds after which an unchanged generation is written again, so that the clock floor moves. */
const FLOOR_STEP = 3600;
/** Generations kept in memory behind the current one; a walk takes seconds. */
const REPLACED_MOST = 2;
/** Publications of other processes that one refresh gives way to before it leaves it at theirs. */
const SUPERSEDED_MOST = 3;

/** Walks from what is trusted to what upstream has now, and publishes it: roots and timestamp floor first, durably. */
export class Refresher {
  readonly #options: RefresherOptions;
  readonly #roots: Map<number, TrustedRoot>;
  #trusted: Trusted;
  #generation: Generation | undefined;
  #replaced: readonly Generation[] = [];
  /** Identity of what is stored, for the next publish. */
  #pointer: string | undefined;
  #acceptedAt: Instant;

  constructor(options: RefresherOptions, restored: RestoredTrust) {
    this.#options = options;
    this.#roots = new Map(restored.roots);
    this.#trusted = trustedOf(restored);
    this.#generation = restored.generation;
    this.#pointer = restored.current;
    this.#acceptedAt = restored.acceptedAt;
  }

  get generation(): Generation | undefined {
    return this.#generation;
  }

  get replaced(): readonly Generation[] {
    return this.#replaced;
  }

  /** Start of the last refresh that was published. */
  get acceptedAt(): Instant {
    return this.#acceptedAt;
  }

  get newestRoot(): TrustedRoot {
    return this.#trusted.at.root;
  }

  root(version: number): TrustedRoot | undefined {
    return this.#roots.get(version);
  }

  /** The generation that is believed from now on; `now` is fixed for the whole walk (TUF §5.1). */
  async refresh(source: MetadataSource, now: Instant, beforePublish: BeforePublish | undefined): Promise<Generation> {
    for (let superseded = 0; ; superseded++) {
      const next = await this.#walk(source, now);
      await beforePublish?.(next);
      // An unchanged one leaves the generation as it is, and everything proved under it warm.
      if (await this.#publish(next, now)) return this.#generation ?? next;
      await this.#adopt();
      // Ours may be newer still: once more, from what is believed now.
      if (superseded === SUPERSEDED_MOST) return this.#generation ?? next;
    }
  }

  #walk(source: MetadataSource, now: Instant): Promise<Generation> {
    const { runner, reports } = this.#options;
    const from = { ...this.#trusted, at: asOf(this.#trusted.at.root, now) };
    return refresh(from, source, runner, {
      root: (root) => this.#keepRoot(root, now),
      timestamp: (timestamp) => this.#keepTimestamp(timestamp),
      equivocated: (stored) =>
        reports.noted('upstream sent other bytes under a timestamp version already stored', {
          version: stored.signed.version,
        }),
    });
  }

  async #keepRoot(root: TrustedRoot, now: Instant): Promise<void> {
    await this.#options.store.keepRoot(root.signed.version, lend(root.bytes));
    this.#roots.set(root.signed.version, root);
    const at: AtRoot = asOf(root, now);
    this.#trusted = { at, survivors: survive(this.#trusted.at, at, this.#trusted.survivors) };
  }

  /** TUF §5.4.5: a floor from now on, though the rest of this refresh may fail, or this process end. */
  async #keepTimestamp(timestamp: Verified<Timestamp>): Promise<void> {
    const trusted = this.#trusted;
    if (timestamp === trusted.survivors.timestamp) return;
    this.#trusted = { ...trusted, survivors: { ...trusted.survivors, timestamp } };
    await this.#options.store.keepTimestamp({
      rootVersion: trusted.at.root.signed.version,
      version: timestamp.signed.version,
      bytes: lend(timestamp.bytes),
    });
  }

  /** False where another process published meanwhile. */
  async #publish(next: Generation, now: Instant): Promise<boolean> {
    const generation = this.#generation;
    const isSame = next.timestamp === generation?.timestamp && next.root === generation.root;
    if (isSame && now - this.#acceptedAt < FLOOR_STEP) return true;
    const { timestamp, snapshot, targets, root } = next;
    const publication = await this.#options.store.publish(
      {
        rootVersion: root.signed.version,
        timestamp: lend(timestamp.bytes),
        snapshot: lend(snapshot.bytes),
        targets: lend(targets.bytes),
        snapshotVersion: snapshot.signed.version,
        targetsVersion: targets.signed.version,
        acceptedAt: now,
      },
      this.#pointer,
    );
    if (publication.result === 'superseded') return false;
    this.#pointer = publication.current;
    this.#acceptedAt = now;
    this.#replace(next);
    this.#trusted = { at: asOf(root, now), survivors: survivorsOf(next), targets };
    return true;
  }

  /** Another process on the same directory went ahead: what it published is believed, once it is proved here. */
  async #adopt(): Promise<void> {
    const newer = await restoreTrust({ ...this.#options, now: this.#options.clock.now() });
    for (const [version, root] of newer.roots) this.#roots.set(version, root);
    this.#trusted = trustedOf(newer);
    this.#replace(newer.generation);
    this.#pointer = newer.current;
    this.#acceptedAt = newer.acceptedAt;
  }

  #replace(next: Generation | undefined): void {
    const generation = this.#generation;
    if (generation !== undefined && generation.snapshot !== next?.snapshot)
      this.#replaced = [generation, ...this.#replaced].slice(0, REPLACED_MOST);
    this.#generation = next;
  }
}

function trustedOf({ at, survivors, generation }: RestoredTrust): Trusted {
  return { at, survivors, targets: generation?.targets };
}
