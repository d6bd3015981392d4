import { type Caller, internalCaller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import type { Heard } from '../../ports/newest.ts';
import type { Generation } from '../../tuf/stages.ts';
import { EvidencedIndex } from '../create-index.ts';
import { Fetch } from '../files/fetch.ts';
import type { FileAnswer } from '../files/file-answer.ts';
import type { JudgeFile } from '../files/judge.ts';
import type {
  AskedTarget,
  Candidate,
  Origin,
  RefreshRequest,
  SignedDocument,
  SignedRepository,
} from '../package-index.ts';
import { unwritten } from '../unwritten-pins.ts';
import { FlooredClock } from './clock-floor.ts';
import { type Generations, TufEvidence } from './evidence.ts';
import type { SignedParts } from './index.ts';
import type { Keeper } from './keeper.ts';
import { Metadata } from './metadata.ts';
import { Roles } from './roles.ts';
import { proveStoredRoles, type StoredRoles } from './stored-roles.ts';
import { TargetFiles } from './targets.ts';

/** Between two refreshes because of what another replica believes. Milliseconds. */
const ASKS_APART_MS = 10_000;

/** What TUF clients downstream ask for, and what the operator refreshes. */
export class Repository implements SignedRepository {
  readonly #parts: SignedParts;
  readonly #keeper: Keeper;
  readonly #metadata: Metadata;
  readonly #targets: TargetFiles;
  /** Who refreshes where nobody else is named. */
  readonly #job: Caller;
  #asksAfter = 0;

  constructor(parts: SignedParts, keeper: Keeper, roles: Roles, judge: JudgeFile) {
    this.#parts = parts;
    this.#keeper = keeper;
    this.#job = internalCaller(parts.index, 'refresh');
    this.#metadata = new Metadata({ ...parts, keeper, roles });
    this.#targets = new TargetFiles({ ...parts, keeper, roles, judge });
  }

  async metadata(name: string, caller: Caller): Promise<SignedDocument> {
    return this.#metadata.find(name, caller);
  }

  target(asked: AskedTarget, caller: Caller): Promise<FileAnswer> {
    return this.#targets.find(asked, caller);
  }

  async refresh({ caller = this.#job, from, asOf, beforePublish }: RefreshRequest = {}): Promise<void> {
    if (from === undefined && beforePublish === undefined) {
      await this.#keeper.refresh(caller);
      return;
    }
    const source = from?.metadata ?? this.#parts.source;
    const look = async (next: Generation) => beforePublish?.(this.#candidate(next, from, asOf));
    await this.#keeper.refreshFrom(source(caller), look, asOf);
  }

  get timestamp(): Uint8Array | undefined {
    const timestamp = this.#keeper.current?.timestamp;
    return timestamp && lend(timestamp.bytes);
  }

  /** Where it does not hold under what is trusted here, upstream may have newer keys: it is asked once in a while, and then decides. */
  async hear(timestamp: Uint8Array): Promise<Heard> {
    const heard = await this.#keeper.hear(timestamp);
    const now = performance.now();
    if (heard !== 'unproved' || now < this.#asksAfter) return heard === 'unproved' ? 'unusable' : heard;
    this.#asksAfter = now + ASKS_APART_MS;
    await this.#keeper.refresh(this.#job).catch(() => undefined);
    return this.#keeper.hear(timestamp);
  }

  adopt(): Promise<void> {
    return this.#keeper.adopt();
  }

  confirmed(): void {
    this.#keeper.confirmed();
  }

  async proveStoredRoles(): Promise<StoredRoles> {
    const { store, runner } = this.#parts;
    const { current } = this.#keeper;
    return current === undefined ? { proved: 0, unproved: 0, wrong: [] } : proveStoredRoles(current, store, runner);
  }

  /** Pages and files of a generation that is not believed yet, from where it was found. */
  #candidate(generation: Generation, from: Origin | undefined, asOf: Instant | undefined): Candidate {
    const { clock } = this.#parts;
    const upstream = from?.upstream ?? this.#parts.upstream;
    const source = from?.metadata ?? this.#parts.source;
    const pins = unwritten(this.#parts.pins);
    // Nor is anything drawn of it kept: pins that were not written vouch for nothing.
    const parts = {
      ...this.#parts,
      pins,
      clock: asOf === undefined ? clock : new FlooredClock({ now: () => clock.now(), judged: () => asOf }, 0),
      drawn: undefined,
      shared: undefined,
      // No client asks it for anything.
      lookAhead: undefined,
      upstream,
      source,
      fetch: new Fetch({ ...this.#parts, upstream }),
    };
    const generations = only(generation, this.#keeper);
    return new EvidencedIndex(parts, new TufEvidence({ ...parts, generations, roles: new Roles(parts) }));
  }
}

/** The generation that is looked into, whatever is published meanwhile. */
function only(generation: Generation, keeper: Keeper): Generations {
  return {
    warm: () => generation,
    // It is looked into whatever is in force meanwhile.
    isSpent: false,
    current: generation,
    refresh: async () => generation,
    underCurrent: (run) => run(generation),
    following: async () => undefined,
    lastRefresh: keeper.lastRefresh,
    lastError: keeper.lastError,
  };
}
