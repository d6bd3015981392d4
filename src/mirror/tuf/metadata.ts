import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { Signed, Targets } from '../../tuf/model.ts';
import type { Runner, Sliced } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import { openDelegated, openSnapshot, openTargets } from '../../tuf/stored.ts';
import type { Verified } from '../../tuf/verified.ts';
import type { SignedDocument } from '../package-index.ts';
import type { Keeper } from './keeper.ts';
import { delegationTo } from './role-search.ts';
import type { Roles } from './roles.ts';

interface MetadataOptions {
  readonly keeper: Keeper;
  readonly roles: Roles;
  readonly store: Pick<TrustStore, 'delegated' | 'recent'>;
  readonly runner: Runner;
}

const NAME = /^(?:([1-9][0-9]{0,15})\.)?(.+)\.json$/s;

/** Upstream's signed metadata, byte for byte, for TUF clients; expired documents too, because the client judges. */
export class Metadata {
  readonly #options: MetadataOptions;

  constructor(options: MetadataOptions) {
    this.#options = options;
  }

  /** By the name in its URL, decoded. Throws `unlisted` for what is not there. */
  async find(name: string, caller: Caller): Promise<SignedDocument> {
    const [, digits, role] = NAME.exec(name) ?? [];
    if (role === undefined) throw unlisted(name);
    // A role may be called "1.x": the whole name is a role's name too (TUF §5.6.7 without consistent snapshots).
    const version = digits === undefined ? undefined : Number(digits);
    const versioned = version === undefined ? undefined : await this.#document(role, version, caller);
    const whole = digits === undefined ? role : `${digits}.${role}`;
    const document = versioned ?? (await this.#document(whole, undefined, caller));
    if (document === undefined) throw unlisted(name);
    return { document, immutable: versioned !== undefined };
  }

  async #document(role: string, version: number | undefined, caller: Caller): Promise<Verified<Signed> | undefined> {
    const { keeper } = this.#options;
    if (role === 'root') return this.#root(version, caller);
    const generation = await keeper.newest(caller);
    if (role === 'timestamp') return version === undefined ? generation.timestamp : undefined;
    if (role === 'snapshot' || role === 'targets') {
      const document = generation[role];
      if (version === undefined) return generation.root.signed.consistentSnapshot ? undefined : document;
      return document.signed.version === version ? document : this.#recent(generation, role, version);
    }
    return this.#delegatedOrNext(generation, role, version, caller);
  }

  async #root(version: number | undefined, caller: Caller): Promise<Verified<Signed> | undefined> {
    const { keeper } = this.#options;
    if (version === undefined) return keeper.newestRoot.document;
    const known = keeper.root(version);
    if (known !== undefined) return known.document;
    // Upstream was asked before a client is told that there is no newer root: it would believe that, and then be
    // given a timestamp that the newer root's keys signed (TUF §5.3).
    await keeper.newest(caller);
    return keeper.root(version)?.document;
  }

  async #recent(generation: Generation, role: 'snapshot' | 'targets', version: number) {
    const bytes = await this.#options.store.recent(role, version);
    return role === 'snapshot'
      ? this.#older(version, bytes, (kept) => openSnapshot(generation, kept))
      : this.#older(version, bytes, (kept) => openTargets(generation, kept));
  }

  /** Upstream no longer has it: an answer from the next generation, where there is one, or else none. */
  async #delegatedOrNext(generation: Generation, role: string, version: number | undefined, caller: Caller) {
    try {
      return await this.#delegated(generation, role, version, caller);
    } catch (error) {
      if (!isInconsistent(error)) throw error;
      const next = await this.#options.keeper.following(generation, caller);
      return next && this.#delegated(next, role, version, caller);
    }
  }

  async #delegated(generation: Generation, role: string, version: number | undefined, caller: Caller) {
    const { roles, store } = this.#options;
    // First, because it costs nothing: no name that a client made up is looked for in the tree.
    const named = generation.snapshot.signed.meta.get(`${role}.json`);
    if (named === undefined) return undefined;
    const by = await delegationTo(roles, generation, role, caller);
    if (by === undefined) return undefined;
    if (version === undefined || version === named.version) return roles.load(generation, by, caller);
    // A client in mid-walk has an older snapshot: what is kept for it must still carry its delegator's signatures.
    const kept = await this.#older(version, await store.delegated(role, version), (bytes) => openDelegated(by, bytes));
    return kept ?? this.#underReplaced(role, version, caller);
  }

  /** A role that nobody had asked for before its snapshot was replaced: upstream may still have that version. */
  async #underReplaced(role: string, version: number, caller: Caller): Promise<Verified<Targets> | undefined> {
    const { keeper, roles } = this.#options;
    const generation = keeper.replaced.find(
      ({ snapshot }) => snapshot.signed.meta.get(`${role}.json`)?.version === version,
    );
    if (generation === undefined) return undefined;
    try {
      const by = await delegationTo(roles, generation, role, caller);
      return by && (await roles.load(generation, by, caller));
    } catch (error) {
      if (isInconsistent(error)) return undefined;
      throw error;
    }
  }

  /** A document kept for clients in mid-walk; keys rotated since then no longer vouch for it. */
  async #older<S extends Signed>(
    version: number,
    bytes: Uint8Array | undefined,
    opening: (bytes: Uint8Array) => Sliced<Verified<S>>,
  ): Promise<Verified<S> | undefined> {
    if (bytes === undefined) return undefined;
    try {
      const document = await this.#options.runner(opening(bytes));
      return document.signed.version === version ? document : undefined;
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }
}

function isInconsistent(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'mix-and-match';
}

function unlisted(name: string): Refusal {
  return new Refusal('unlisted', `There is no metadata file called ${name.slice(0, 200)}.`, { subject: 'request' });
}
