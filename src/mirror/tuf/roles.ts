import type { Background } from '../../async/background.ts';
import type { Caller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { lend } from '../../bytes/proof.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { MetadataFor } from '../../ports/upstream.ts';
import { acceptDelegated, metaOf } from '../../tuf/accept.ts';
import { type Found, findTarget, type Visit } from '../../tuf/delegation.ts';
import { LIMITS } from '../../tuf/limits.ts';
import type { Delegation, MetaFile, Targets } from '../../tuf/model.ts';
import { readDelegated } from '../../tuf/refresh.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Verified } from '../../tuf/verified.ts';
import type { CommonMetadata } from '../common-documents.ts';
import { LIMITS as MIRROR_LIMITS } from '../limits.ts';
import type { Reports } from '../projects/reports.ts';

export interface RolesOptions {
  readonly index: string;
  readonly store: Pick<TrustStore, 'delegated' | 'keepDelegated'>;
  readonly source: MetadataFor;
  readonly clock: Clock;
  readonly runner: Runner;
  readonly reports: Reports;
  readonly background: Background;
  /** Bytes. */
  readonly memory: number;
  /** What other replicas had. */
  readonly shared?: CommonMetadata | undefined;
}

/** A search's answer together with the generation it holds for. */
export interface Search extends Found {
  readonly generation: Generation;
}

/** A parsed role takes several times the memory of its bytes. */
const MEMORY_FACTOR = 6;
const BYTES_PER_NAME = 100;

/** Delegated roles, fetched when first asked for, each proved under the delegator of the search that visits it. */
export class Roles {
  readonly #options: RolesOptions;
  readonly #memory: BoundedMap<Verified<Targets>>;
  /** By role: the one that delegated to it when a search last came by, or that names it among few. */
  readonly #delegators: BoundedMap<string>;
  readonly #flights: Flights<Verified<Targets>> = createFlights();
  /** What each role in memory was announced as when it was judged. */
  readonly #judged = new WeakMap<Verified<Targets>, MetaFile>();

  constructor(options: RolesOptions) {
    this.#options = options;
    this.#memory = new BoundedMap({ bytes: options.memory });
    this.#delegators = new BoundedMap({ bytes: options.memory / 64 });
  }

  /** Who lists this target path in a generation. Throws Refusal; fails closed, so that "nobody" is proved. */
  async find(generation: Generation, path: string, caller: Caller): Promise<Search> {
    const found = await findTarget(generation, path, (by) => this.load(generation, by, caller));
    for (const { by, parent } of found.visited)
      if (by !== undefined) this.#rememberDelegator(by.name, parent?.by?.name ?? 'targets');
    if (earliestExpiry(generation, found.visited) <= this.#options.clock.judged())
      throw new Refusal('expired', 'The signed metadata that vouches for this has expired.', {
        subject: 'delegated',
        transient: true,
      });
    return { ...found, generation };
  }

  /** A role as this delegation vouches for it: from memory, our own disk or upstream. */
  async load(generation: Generation, by: Delegation, caller: Caller): Promise<Verified<Targets>> {
    return this.#judgedRole(generation, by) ?? this.#loadOnce(generation, by, caller);
  }

  /** The same, and stored durably: where it was found may be gone when it is asked for. */
  async keep(generation: Generation, by: Delegation, caller: Caller): Promise<void> {
    const { store } = this.#options;
    const role = await this.load(generation, by, caller);
    const { version } = role.signed;
    if ((await store.delegated(by.name, version)) === undefined)
      await store.keepDelegated(by.name, version, lend(role.bytes));
  }

  /** Judged under this very announcement before: only what may differ since is asked again, not its digest. */
  #judgedRole(generation: Generation, by: Delegation): Verified<Targets> | undefined {
    const named = metaOf(generation, by.name);
    const known = this.#memory.get(keyOf(by.name, named.version));
    if (known === undefined || this.#judged.get(known) !== named || !known.isBy(by.authority)) return undefined;
    return known.signed.expires > generation.now ? known : undefined;
  }

  #loadOnce(generation: Generation, by: Delegation, caller: Caller): Promise<Verified<Targets>> {
    const { version, digests } = metaOf(generation, by.name);
    const identity = [...by.authority.keys.values()].map((key) => key.material ?? '').sort();
    // Everything the answer is judged by: two snapshots may name one version with other bytes.
    const bytes = [...(digests ?? [])].map(([algorithm, hex]) => `${algorithm}:${hex}`).join();
    const flight = `${by.authority.threshold}/${identity.join(',')}/${bytes}/${keyOf(by.name, version)}`;
    return this.#flights.join(
      flight,
      caller,
      async (all) =>
        (await this.#fromStore(generation, by)) ??
        (await this.#fromOthers(generation, by)) ??
        this.#fromUpstream(generation, by, all),
    );
  }

  delegatorOf(role: string): string | undefined {
    return this.#delegators.get(role);
  }

  /** From memory or our own disk, if it proves under this delegator. */
  async #fromStore(generation: Generation, by: Delegation): Promise<Verified<Targets> | undefined> {
    const { version } = metaOf(generation, by.name);
    const known = this.#memory.get(keyOf(by.name, version));
    const candidate = known ?? (await this.#options.store.delegated(by.name, version));
    if (candidate === undefined) return undefined;
    try {
      return await this.#accept(generation, by, candidate);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (candidate instanceof Uint8Array)
        this.#options.reports.refused({ subject: 'delegated', name: by.name, at: 'disk' }, error);
      return undefined;
    }
  }

  /** From another replica, if it proves under this delegator. */
  async #fromOthers(generation: Generation, by: Delegation): Promise<Verified<Targets> | undefined> {
    const { shared, background } = this.#options;
    const { version, length } = metaOf(generation, by.name);
    const limit = Math.min(length ?? LIMITS.unannouncedTargets, LIMITS.targets);
    const bytes = await shared?.metadata(by.name, version, limit);
    if (bytes === undefined) return undefined;
    try {
      const role = await this.#accept(generation, by, bytes);
      shared?.judged(true);
      background.add(this.#keep(role));
      return role;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      shared?.judged(false);
      return undefined;
    }
  }

  async #fromUpstream(generation: Generation, by: Delegation, caller: Caller): Promise<Verified<Targets>> {
    const { source, background, reports } = this.#options;
    const bytes = await readDelegated(generation, by, source(caller));
    if (bytes === undefined)
      throw new Refusal(
        'mix-and-match',
        `Upstream's snapshot names version ${metaOf(generation, by.name).version} of ${by.name}, but upstream does not have it.`,
        { subject: 'delegated' },
      );
    try {
      const role = await this.#accept(generation, by, bytes);
      background.add(this.#keep(role));
      this.#options.shared?.keepMetadata(by.name, role.signed.version, bytes);
      return role;
    } catch (error) {
      if (error instanceof Refusal) reports.refused({ subject: 'delegated', name: by.name }, error);
      throw error;
    }
  }

  /** Behind the answer: no floor is in it, and it can be had again. What cannot be stored is told. Does not throw. */
  async #keep(role: Verified<Targets>): Promise<void> {
    try {
      await this.#options.store.keepDelegated(role.role, role.signed.version, lend(role.bytes));
    } catch (error) {
      this.#options.reports.refused({ subject: 'delegated', name: role.role, at: 'disk' }, error);
    }
  }

  async #accept(
    generation: Generation,
    by: Delegation,
    candidate: Uint8Array | Verified<Targets>,
  ): Promise<Verified<Targets>> {
    const role = await this.#options.runner(acceptDelegated(generation, by, candidate));
    this.#memory.set(keyOf(by.name, role.signed.version), role, role.bytes.byteLength * MEMORY_FACTOR);
    const { delegations } = role.signed;
    if (delegations !== undefined && delegations.count <= MIRROR_LIMITS.namedDelegations)
      for (const name of delegations.names) this.#rememberDelegator(name, by.name);
    this.#judged.set(role, metaOf(generation, by.name));
    return role;
  }

  #rememberDelegator(name: string, delegator: string): void {
    this.#delegators.set(name, delegator, name.length + delegator.length + BYTES_PER_NAME);
  }
}

function keyOf(role: string, version: number): string {
  return `${version}.${role}`;
}

function earliestExpiry({ root, timestamp, snapshot }: Generation, visited: readonly Visit[]): Instant {
  let first = Math.min(root.signed.expires, timestamp.signed.expires, snapshot.signed.expires);
  for (const { role } of visited) first = Math.min(first, role.signed.expires);
  return first;
}
