import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import type { Cache } from '../../bytes/bounded-map.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import { acceptDelegated, metaOf } from '../../tuf/accept.ts';
import { type Found, findTarget, type Visit } from '../../tuf/delegation.ts';
import { LIMITS } from '../../tuf/limits.ts';
import type { Delegation, Instant, MetaFile, Targets } from '../../tuf/model.ts';
import { type MetadataSource, versionIn, within } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Verified } from '../../tuf/verified.ts';
import { LIMITS as MIRROR_LIMITS } from '../limits.ts';
import type { Keeper } from './keeper.ts';
import { evenIfMovedOn } from './moved-on.ts';

interface RolesOptions {
  readonly index: string;
  readonly keeper: Keeper;
  readonly store: TrustStore;
  readonly source: MetadataSource;
  readonly clock: Clock;
  readonly patience: Runner;
  readonly events: Events;
  readonly cache: Cache<Verified<Targets>>;
  readonly delegators: Cache<string>;
}

/** A search's answer together with the generation it holds for. */
export interface Search extends Found {
  readonly generation: Generation;
  /** The first of all roles the answer rests on to expire. */
  readonly expires: Instant;
}

/** Delegated roles, fetched when first asked for (DESIGN J3), each proved under the delegator of this search. */
export interface Roles {
  /**
   * Who lists this target path, in the current generation; one refresh where upstream has moved on meanwhile. `under` is
   * the generation of a page that stands in for a newer one: its files are judged as it was.
   */
  find(path: string, under?: Generation): Promise<Search>;
  load(generation: Generation, by: Delegation): Promise<Verified<Targets>>;
  /** The role that delegated to this one when a search last came by, or that names it among few. */
  delegatorOf(role: string): string | undefined;
}

export function createRoles({
  index,
  keeper,
  store,
  source,
  clock,
  patience,
  events,
  cache,
  delegators,
}: RolesOptions): Roles {
  const flights = createFlights<Verified<Targets>>();
  const judged = new WeakMap<Verified<Targets>, MetaFile>();

  const remember = (by: Delegation, role: Verified<Targets>) => {
    cache.set(keyOf(by.name, role.signed.version), role, role.bytes.byteLength * MEMORY_FACTOR);
    const { delegations } = role.signed;
    if (delegations !== undefined && delegations.count <= MIRROR_LIMITS.namedDelegations)
      for (const name of delegations.names) delegatedBy(name, by.name);
    return role;
  };
  const delegatedBy = (name: string, delegator: string) =>
    delegators.set(name, delegator, name.length + delegator.length + BYTES_PER_NAME);

  /** From memory or our own disk, if it proves under this delegator. */
  const fromStore = async (generation: Generation, by: Delegation) => {
    const named = metaOf(generation, by.name);
    const { version } = named;
    const held = cache.get(keyOf(by.name, version));
    // Judged under this very announcement before: only what may differ since is asked again, not its digest.
    if (
      held !== undefined &&
      judged.get(held) === named &&
      held.isBy(by.authority) &&
      held.signed.expires > generation.now
    )
      return held;
    const candidate = held ?? (await store.delegated(by.name, version));
    if (candidate === undefined) return undefined;
    try {
      const role = remember(by, await patience(acceptDelegated(generation, by, candidate)));
      judged.set(role, named);
      return role;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (candidate instanceof Uint8Array)
        events.rejected({
          index,
          reason: error.reason,
          subject: 'delegated',
          name: by.name,
          message: error.message,
          at: 'disk',
        });
      return undefined;
    }
  };

  const fromUpstream = async (generation: Generation, by: Delegation) => {
    const named = metaOf(generation, by.name);
    const limit = within(named.length, LIMITS.targets, 'delegated');
    const bytes = await source.read({ role: by.name, version: versionIn(generation, named.version), limit });
    if (bytes === undefined)
      throw new Refusal(
        'mix-and-match',
        `Upstream's snapshot names version ${named.version} of ${by.name}, but upstream does not have it.`,
        { subject: 'delegated' },
      );
    try {
      const role = await patience(acceptDelegated(generation, by, bytes));
      await store.keepDelegated(by.name, role.signed.version, lend(role.bytes));
      return remember(by, role);
    } catch (error) {
      if (error instanceof Refusal)
        events.rejected({
          index,
          reason: error.reason,
          subject: 'delegated',
          name: by.name,
          message: error.message,
          at: 'upstream',
        });
      throw error;
    }
  };

  const load = async (generation: Generation, by: Delegation) => {
    const { version, digests } = metaOf(generation, by.name);
    const identity = [...by.authority.keys.values()].map((key) => key.material ?? '').sort();
    // Everything the answer is judged by: two snapshots may name one version with other bytes.
    const bytes = [...(digests ?? [])].map(([algorithm, hex]) => `${algorithm}:${hex}`).join();
    const flight = `${by.authority.threshold}/${identity.join(',')}/${bytes}/${keyOf(by.name, version)}`;
    return flights.join(
      flight,
      internalCaller(index),
      async () => (await fromStore(generation, by)) ?? (await fromUpstream(generation, by)),
    );
  };

  const findIn = async (generation: Generation, path: string): Promise<Search> => {
    const found = await findTarget(generation, path, (by) => load(generation, by));
    for (const { by, parent } of found.visited)
      if (by !== undefined) delegatedBy(by.name, parent?.by?.name ?? 'targets');
    const expires = earliest(generation, found.visited);
    if (expires <= clock.now())
      throw new Refusal('expired', 'The signed metadata that vouches for this has expired.', {
        subject: 'delegated',
        transient: true,
      });
    return { ...found, generation, expires };
  };

  return {
    load,
    delegatorOf: (role) => delegators.get(role),
    find: (path, under) =>
      under === undefined || under === keeper.held
        ? evenIfMovedOn(keeper, (generation) => findIn(generation, path))
        : findIn(under, path),
  };
}

/** A parsed role takes several times the memory of its bytes. */
const MEMORY_FACTOR = 6;
const BYTES_PER_NAME = 100;

function keyOf(role: string, version: number): string {
  return `${version}.${role}`;
}

function earliest({ root, timestamp, snapshot }: Generation, visited: readonly Visit[]): Instant {
  return Math.min(
    ...[root, timestamp, snapshot].map(({ signed }) => signed.expires),
    ...visited.map(({ role }) => role.signed.expires),
  );
}
