import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { Emit } from '../../ports/events.ts';
import { ObjectStoreError } from '../../ports/object-store.ts';
import type { StateHints } from '../../ports/state-hints.ts';
import type { ItemPath, StateCopy } from '../../ports/state-storage.ts';
import { readS3Address } from '../../s3/address.ts';
import { S3Client } from '../../s3/client.ts';
import type { CredentialSource } from '../../s3/credentials.ts';
import type { S3Limits } from '../../s3/limits.ts';
import { ProbedStore } from '../../s3/probed-store.ts';
import { Follower, type Standing } from '../../state/fleet/follower.ts';
import { SharedState } from '../../state/fleet/shared-state.ts';
import { bucketKeys } from '../bucket/keys.ts';
import { sealingOf } from '../secrets.ts';
import { LogCutter } from './log-cutter.ts';

/** Trust state waits for its store this long at most, and then goes on alone: a quarter of a minute, in all. */
const LIMITS: Partial<S3Limits> = { headMs: 2000, silenceMs: 5000, attempts: 2 };
/** Milliseconds between two looks for what others wrote: with the look itself, within a second. */
const LOOK_EVERY_MS = 500;

interface FleetUse {
  /** What others write is read as long as it is open. */
  readonly follows: boolean;
  readonly emit: Emit;
}

interface FleetOptions extends FleetUse {
  readonly sealKey: Uint8Array;
}

/** How one index stands to the fleet, and its log. */
export interface FleetStanding extends Standing {
  /** Entries of the log that this process removed. */
  readonly removed: number;
  /** Why the log was not cut when that was last tried here. */
  readonly notCut: string | undefined;
}

/** The replicas that this mirror is one of, as far as their trust state goes. */
export class Fleet {
  readonly storage: SharedState;
  readonly #client: S3Client;
  readonly #store: ProbedStore;
  readonly #followers = new Map<string, Follower>();
  readonly #follows: boolean;
  readonly #cutter: LogCutter;
  #hints: StateHints | undefined;
  #onTurn: () => void = () => undefined;
  #onRead: (index: string, items: readonly ItemPath[]) => void = () => undefined;

  constructor(client: S3Client, local: StateCopy, { sealKey, follows, emit }: FleetOptions) {
    this.#client = client;
    this.#store = new ProbedStore(client);
    this.#follows = follows;
    this.#cutter = new LogCutter(emit);
    this.storage = new SharedState({
      local,
      objects: this.#store,
      sealKey,
      onRead: (index, items) => this.#onRead(index, items),
      onWritten: (index) => this.#hints?.tell(index),
      // A command ends before it would be done.
      onTurn: (index) => follows && this.#cutter.cut(index, this.storage.of(index)),
      onStep: (index, step, entry, bytes) => emit({ name: 'fleet', index, step, entry, bytes, removed: 0 }),
    });
  }

  /** What others tell of what they write, and are told; before anything is opened. */
  hear(hints: StateHints): void {
    this.#hints = hints;
  }

  /** Before an index is read. Throws Refusal `state` where it cannot follow its fleet, or holds nothing and cannot ask. */
  async open(index: string): Promise<void> {
    if (this.#follows) await this.#probe(index);
    const shared = this.storage.of(index);
    await shared.open();
    if (!this.#follows || this.#followers.has(index)) return;
    const onTurn = () => this.#onTurn();
    const follower = new Follower({
      index,
      shared,
      everyMs: LOOK_EVERY_MS,
      hints: this.#hints,
      nowMs: Date.now,
      onTurn,
    });
    this.#followers.set(index, follower);
    await follower.start();
  }

  get standings(): readonly FleetStanding[] {
    return [...this.#followers.values()].map(({ standing }) => ({
      ...standing,
      removed: this.#cutter.removedOf(standing.index),
      notCut: this.#cutter.failures.get(standing.index),
    }));
  }

  /** Calls when an index begins to stand alone, and when it no longer does. */
  watch(onTurn: () => void): void {
    this.#onTurn = onTurn;
  }

  /** Calls with what other replicas wrote, once it is here. */
  follow(onRead: (index: string, items: readonly ItemPath[]) => void): void {
    this.#onRead = onRead;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers.values()].map((follower) => follower.close()));
    this.#client.close();
    await this.#cutter.close();
  }

  /** A store that is away is found out about when something is to be written there. */
  async #probe(index: string): Promise<void> {
    try {
      await this.#store.probe();
    } catch (error) {
      if (!(error instanceof ObjectStoreError)) throw error;
      if (error.kind !== 'away' && error.kind !== 'refused')
        throw new Refusal('state', `Index ${index} cannot share its state: ${error.message} (fleet.state).`, {
          subject: 'state',
          cause: error,
        });
    }
  }
}

/** Undefined for a mirror that is alone. Throws Refusal where the configuration does not make a fleet. */
export function fleetOf(config: Config, local: StateCopy, use: FleetUse): Fleet | undefined {
  const state = config.fleet?.state;
  if (state === undefined) return undefined;
  const sealKey = existing(sealingOf(config).sealKey, 'a fleet was configured without a seal key');
  const address = readS3Address(state);
  // Where keys are missing that is told by the first look, and a command that makes none needs none.
  let keys: CredentialSource | undefined;
  const credentials = async () => {
    keys ??= bucketKeys(config.blobs ?? {}, address);
    return keys();
  };
  return new Fleet(new S3Client({ address, credentials, limits: LIMITS }), local, { ...use, sealKey });
}
