import { Refusal } from '../../bytes/refusal.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import type { Delegation, Signed, Targets } from '../../tuf/model.ts';
import type { Runner, Sliced } from '../../tuf/sliced.ts';
import type { Generation } from '../../tuf/stages.ts';
import { openDelegated, openSnapshot, openTargets } from '../../tuf/stored.ts';
import type { Verified } from '../../tuf/verified.ts';
import { LIMITS } from '../limits.ts';
import type { SignedDocument } from '../package-index.ts';
import type { Keeper } from './keeper.ts';
import type { Roles } from './roles.ts';

interface RelayOptions {
  readonly keeper: Keeper;
  readonly roles: Roles;
  readonly store: TrustStore;
  readonly patience: Runner;
}

const NAME = /^(?:([1-9][0-9]{0,15})\.)?(.+)\.json$/s;

/** Passes upstream's signed metadata on, byte for byte; expired documents too, because the client judges (DESIGN J3). */
export function createRelay({
  keeper,
  roles,
  store,
  patience,
}: RelayOptions): (name: string) => Promise<SignedDocument> {
  /** Which delegation names this role: the one it was last reached by, else looked for in the tree, nearest first. */
  const delegationTo = async (generation: Generation, role: string): Promise<Delegation | undefined> => {
    const delegator = roles.delegatorOf(role);
    if (delegator !== undefined && delegator !== role) {
      const parent = await byName(generation, delegator);
      const found = parent?.signed.delegations?.named(role);
      if (found !== undefined) return found;
    }
    return searchTree(generation, role);
  };

  const byName = async (generation: Generation, role: string): Promise<Verified<Targets> | undefined> => {
    if (role === 'targets') return generation.targets;
    const by = await searchTree(generation, role);
    return by === undefined ? undefined : roles.load(generation, by);
  };

  /** Level by level, each role asked as soon as it is there: a developer's role names nobody, and there may be thousands. */
  const searchTree = async (generation: Generation, role: string): Promise<Delegation | undefined> => {
    const listed = generation.targets.signed.delegations?.named(role);
    if (listed !== undefined) return listed;
    const seen = new Set<string>();
    let level: readonly Verified<Targets>[] = [generation.targets];
    while (level.length > 0) {
      const next: Verified<Targets>[] = [];
      const fewFirst = level.flatMap(({ signed }) => signed.delegations ?? []).sort((a, b) => a.count - b.count);
      for (const delegations of fewFirst)
        for (const name of delegations.names) {
          const by = seen.has(name) ? undefined : delegations.named(name);
          if (by === undefined) continue;
          // "Not found" may only be said of what was looked through to the end (DESIGN §5 "Limits").
          if (seen.size >= LIMITS.rolesPerName)
            throw new Refusal('delegation', `Who delegates to ${role.slice(0, 200)} was not found within the limits.`, {
              subject: 'delegated',
            });
          seen.add(name);
          const delegator = await roles.load(generation, by);
          const found = delegator.signed.delegations?.named(role);
          if (found !== undefined) return found;
          next.push(delegator);
        }
      level = next;
    }
    return undefined;
  };

  const delegated = async (generation: Generation, role: string, version: number | undefined) => {
    // First, because it costs nothing: no name that a client made up is looked for in the tree.
    const named = generation.snapshot.signed.meta.get(`${role}.json`);
    if (named === undefined) return undefined;
    const by = await delegationTo(generation, role);
    if (by === undefined) return undefined;
    if (version === undefined || version === named.version) return await roles.load(generation, by);
    // A client in mid-walk holds an older snapshot: what is kept for it must still carry its delegator's signatures.
    const kept = await older(version, await store.delegated(role, version), (bytes) => openDelegated(by, bytes));
    return kept ?? (await underReplaced(role, version));
  };

  /** A role that nobody had asked for before its snapshot was replaced: upstream may still have that version. */
  const underReplaced = async (role: string, version: number): Promise<Verified<Targets> | undefined> => {
    const generation = keeper.replaced.find(
      ({ snapshot }) => snapshot.signed.meta.get(`${role}.json`)?.version === version,
    );
    if (generation === undefined) return undefined;
    try {
      const by = await delegationTo(generation, role);
      return by && (await roles.load(generation, by));
    } catch (error) {
      if (error instanceof Refusal && error.reason === 'mix-and-match') return undefined;
      throw error;
    }
  };

  /** A document kept for clients in mid-walk; keys rotated since then no longer vouch for it. */
  const older = async <S extends Signed>(
    version: number,
    bytes: Uint8Array | undefined,
    opening: (bytes: Uint8Array) => Sliced<Verified<S>>,
  ): Promise<Verified<S> | undefined> => {
    if (bytes === undefined) return undefined;
    try {
      const document = await patience(opening(bytes));
      return document.signed.version === version ? document : undefined;
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  };

  const recent = async (generation: Generation, role: 'snapshot' | 'targets', version: number) => {
    const bytes = await store.recent(role, version);
    return role === 'snapshot'
      ? older(version, bytes, (kept) => openSnapshot(generation, kept))
      : older(version, bytes, (kept) => openTargets(generation, kept));
  };

  /** Upstream no longer has it: an answer from the next generation, where there is one, or else none (DESIGN J3). */
  const delegatedOrNext = async (generation: Generation, role: string, version: number | undefined) => {
    try {
      return await delegated(generation, role, version);
    } catch (error) {
      if (!(error instanceof Refusal) || error.reason !== 'mix-and-match') throw error;
      const next = await keeper.following(generation);
      return next && delegated(next, role, version);
    }
  };

  const find = async (role: string, version: number | undefined): Promise<Verified<Signed> | undefined> => {
    if (role === 'root') {
      if (version === undefined) return keeper.newestRoot.document;
      const known = keeper.root(version);
      if (known !== undefined) return known.document;
      // Upstream was asked before a client is told that there is no newer root: it would believe that, and then be
      // given a timestamp that the newer root's keys signed (TUF §5.3).
      await keeper.relayed();
      return keeper.root(version)?.document;
    }
    const generation = await keeper.relayed();
    if (role === 'timestamp') return version === undefined ? generation.timestamp : undefined;
    if (role === 'snapshot' || role === 'targets') {
      const document = generation[role];
      if (version === undefined) return generation.root.signed.consistentSnapshot ? undefined : document;
      return document.signed.version === version ? document : recent(generation, role, version);
    }
    return delegatedOrNext(generation, role, version);
  };

  return async (name) => {
    const [, digits, role] = NAME.exec(name) ?? [];
    if (role === undefined) throw unlisted(name);
    // A role may be called "1.x": the whole name is a role's name too (TUF §5.6.7 without consistent snapshots).
    const version = digits === undefined ? undefined : Number(digits);
    const versioned = version === undefined ? undefined : await find(role, version);
    const document = versioned ?? (await find(digits === undefined ? role : `${digits}.${role}`, undefined));
    if (document === undefined) throw unlisted(name);
    return { document, immutable: versioned !== undefined };
  };
}

function unlisted(name: string): Refusal {
  return new Refusal('unlisted', `There is no metadata file called ${name.slice(0, 200)}.`, { subject: 'request' });
}
