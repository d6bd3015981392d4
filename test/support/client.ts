import { expect } from 'vitest';
import { lend, type ReadonlyBytes } from '../../src/bytes/proof.ts';
import { type Reason, Refusal } from '../../src/bytes/refusal.ts';
import { acceptDelegated } from '../../src/tuf/accept.ts';
import { type Found, findTarget } from '../../src/tuf/delegation.ts';
import type { Delegation, Targets } from '../../src/tuf/model.ts';
import { readDelegated } from '../../src/tuf/refresh.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import type { Generation } from '../../src/tuf/stages.ts';
import { pinRoot } from '../../src/tuf/trusted-root.ts';
import { Updater } from '../../src/tuf/updater.ts';
import type { Verified } from '../../src/tuf/verified.ts';
import type { Simulator } from './simulator.ts';

/** The smallest client over the core. */
export interface TestClient {
  readonly refresh: () => Promise<Generation>;
  /** Searches the current generation. */
  readonly find: (path: string) => Promise<Found>;
  /** What is trusted now, by role; undefined where nothing was accepted yet. */
  readonly versions: () => Trust;
  /** The exact bytes trusted now. */
  readonly bytes: () => Readonly<Record<keyof Trust, string | undefined>>;
  readonly equivocations: Uint8Array[];
  /** Versions of the roots at which a refresh left the rest of the chain to the next. */
  readonly unfinished: number[];
}

export interface Trust {
  readonly root: number | undefined;
  readonly timestamp: number | undefined;
  readonly snapshot: number | undefined;
  readonly targets: number | undefined;
}

/** What a client needs of a simulator; without `rootBytes` the pinned root must be given. */
export type Served = Pick<Simulator, 'source' | 'clock'> & Partial<Pick<Simulator, 'rootBytes'>>;

export function createClient(simulator: Served, pinned?: Uint8Array): TestClient {
  const pinnedRoot = pinned ?? simulator.rootBytes?.(1);
  if (pinnedRoot === undefined) throw new Error('no root to start from');
  const { source, clock } = simulator;
  const updater = new Updater(runToEnd(pinRoot(pinnedRoot)), runToEnd);
  let current: Generation | undefined;
  const equivocations: Uint8Array[] = [];
  const unfinished: number[] = [];

  async function loadDelegated(at: Generation, by: Delegation): Promise<Verified<Targets>> {
    const bytes = await readDelegated(at, by, source);
    if (bytes === undefined) throw new Refusal('mix-and-match', `${by.name} is not there.`, { subject: 'delegated' });
    return runToEnd(acceptDelegated(at, by, bytes));
  }

  const trusted = () => ({ root: updater.root, ...updater.survivors, targets: updater.targets });

  return {
    async refresh() {
      current = await updater.refresh({
        source,
        now: clock.now(),
        keep: {
          unfinished: ({ signed }) => {
            unfinished.push(signed.version);
          },
          equivocated: (_, offered) => {
            equivocations.push(offered);
          },
        },
      });
      return current;
    },
    find(path) {
      const at = current;
      if (at === undefined) throw new Error('refresh first');
      return findTarget(at, path, (by) => loadDelegated(at, by));
    },
    versions: () => {
      const { root, timestamp, snapshot, targets } = trusted();
      return {
        root: root.signed.version,
        timestamp: timestamp?.signed.version,
        snapshot: snapshot?.signed.version,
        targets: targets?.signed.version,
      };
    },
    bytes: () => {
      const { root, timestamp, snapshot, targets } = trusted();
      return {
        root: text(root.bytes),
        timestamp: text(timestamp?.bytes),
        snapshot: text(snapshot?.bytes),
        targets: text(targets?.bytes),
      };
    },
    equivocations,
    unfinished,
  };
}

function text(bytes: ReadonlyBytes | undefined): string | undefined {
  return bytes && Buffer.from(lend(bytes)).toString('latin1');
}

/** The Refusal that something ends in; anything else thrown fails the test. */
export async function refusalOf(run: (() => unknown) | Promise<unknown>): Promise<Refusal> {
  let thrown: unknown;
  try {
    await (typeof run === 'function' ? run() : run);
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof Refusal)) {
    if (thrown !== undefined) throw thrown;
    expect.fail('nothing was refused');
  }
  return thrown;
}

export async function reasonOf(run: (() => unknown) | Promise<unknown>): Promise<Reason> {
  return (await refusalOf(run)).reason;
}
