import { expect } from 'vitest';
import { lend, type ReadonlyBytes } from '../../src/bytes/proof.ts';
import { type Reason, Refusal } from '../../src/bytes/refusal.ts';
import { acceptDelegated, metaOf, startFrom } from '../../src/tuf/accept.ts';
import { type Found, findTarget } from '../../src/tuf/delegation.ts';
import { LIMITS } from '../../src/tuf/limits.ts';
import type { Delegation, Snapshot, Targets, Timestamp } from '../../src/tuf/model.ts';
import { refresh, type Trusted, versionIn, within } from '../../src/tuf/refresh.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { asOf, type Generation } from '../../src/tuf/stages.ts';
import type { TrustedRoot } from '../../src/tuf/trusted-root.ts';
import type { Verified } from '../../src/tuf/verified.ts';
import type { Simulator } from './simulator.ts';

/** The smallest client over the core: remembers what was accepted, document by document, as a store would. */
export interface TestClient {
  readonly refresh: () => Promise<Generation>;
  /** Searches the current generation. */
  readonly find: (path: string) => Promise<Found>;
  /** What is trusted now, by role; undefined where nothing was accepted yet. */
  readonly versions: () => Trust;
  /** The exact bytes trusted now. */
  readonly bytes: () => Readonly<Record<keyof Trust, string | undefined>>;
  readonly equivocations: Uint8Array[];
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
  let root: TrustedRoot = runToEnd(startFrom(pinnedRoot, clock.now())).root;
  let timestamp: Verified<Timestamp> | undefined;
  let snapshot: Verified<Snapshot> | undefined;
  let targets: Verified<Targets> | undefined;
  let targetsRoot = root;
  let current: Generation | undefined;
  const equivocations: Uint8Array[] = [];

  async function loadDelegated(at: Generation, by: Delegation): Promise<Verified<Targets>> {
    const meta = metaOf(at, by.name);
    const bytes = await source.read({
      role: by.name,
      version: versionIn(at, meta.version),
      limit: within(meta.length, LIMITS.targets, 'delegated'),
    });
    if (bytes === undefined) throw new Refusal('mix-and-match', `${by.name} is not there.`, { subject: 'delegated' });
    return runToEnd(acceptDelegated(at, by, bytes));
  }

  return {
    async refresh() {
      const trusted: Trusted = {
        at: asOf(root, clock.now()),
        survivors: { timestamp, snapshot },
        targets: targetsRoot === root ? targets : undefined,
      };
      current = await refresh(trusted, source, runToEnd, {
        async root(accepted, forget) {
          root = accepted;
          if (forget) timestamp = snapshot = undefined;
        },
        async timestamp(accepted) {
          timestamp = accepted;
        },
        async snapshot(accepted) {
          snapshot = accepted;
        },
        async targets(accepted) {
          targets = accepted;
          targetsRoot = root;
        },
        equivocated: (_held, offered) => {
          equivocations.push(offered);
        },
      });
      return current;
    },
    find(path) {
      const at = current;
      if (at === undefined) throw new Error('refresh first');
      return findTarget(at, path, (by) => loadDelegated(at, by));
    },
    versions: () => ({
      root: root.signed.version,
      timestamp: timestamp?.signed.version,
      snapshot: snapshot?.signed.version,
      targets: targets?.signed.version,
    }),
    bytes: () => ({
      root: text(root.bytes),
      timestamp: text(timestamp?.bytes),
      snapshot: text(snapshot?.bytes),
      targets: text(targets?.bytes),
    }),
    equivocations,
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
