import { Refusal } from '../bytes/refusal.ts';
import type { Generation } from '../tuf/accept.ts';
import { decodeSnapshot, decodeTargets } from '../tuf/decode.ts';
import type { Patience } from '../tuf/judging.ts';
import type { Delegation, Signed, Targets } from '../tuf/model.ts';
import { authorityOf, open, type Verified } from '../tuf/verified.ts';
import type { Keeper } from './keeper.ts';
import { LIMITS } from './limits.ts';
import type { SignedDocument } from './mirror.ts';
import type { TrustStore } from './ports.ts';
import type { Roles } from './roles.ts';

interface RelayOptions {
  readonly keeper: Keeper;
  readonly roles: Roles;
  readonly store: TrustStore;
  readonly patience: Patience;
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

  const searchTree = async (generation: Generation, role: string): Promise<Delegation | undefined> => {
    const parents: Verified<Targets>[] = [generation.targets];
    const seen = new Set<string>();
    for (let at = 0; at < parents.length; at++) {
      const delegations = parents[at]?.signed.delegations;
      const found = delegations?.named(role);
      if (found !== undefined) return found;
      for (const name of delegations?.names ?? []) {
        if (parents.length > LIMITS.rolesPerName) break;
        const by = seen.has(name) ? undefined : delegations?.named(name);
        seen.add(name);
        if (by !== undefined) parents.push(await roles.load(generation, by));
      }
    }
    return undefined;
  };

  const delegated = async (generation: Generation, role: string, version: number | undefined) => {
    const by = await delegationTo(generation, role);
    const named = generation.snapshot.signed.meta.get(`${role}.json`);
    if (by === undefined || named === undefined) return undefined;
    if (version === undefined || version === named.version) return await roles.load(generation, by);
    // A client in mid-walk holds an older snapshot: what is kept for it must still carry its delegator's signatures.
    const older = await store.delegated(role, version);
    return older === undefined
      ? undefined
      : ofVersion(await patience(open(older, decodeTargets, by.authority)), version);
  };

  const recent = async (generation: Generation, role: 'snapshot' | 'targets', version: number) => {
    const bytes = await store.recent(role, version);
    if (bytes === undefined) return undefined;
    const authority = authorityOf(generation.root.signed, role);
    const document =
      role === 'snapshot'
        ? await patience(open(bytes, decodeSnapshot, authority))
        : await patience(open(bytes, decodeTargets, authority));
    return ofVersion<Signed>(document, version);
  };

  const find = async (role: string, version: number | undefined): Promise<Verified<Signed> | undefined> => {
    if (role === 'root') return version === undefined ? keeper.newestRoot : keeper.root(version);
    const generation = await keeper.relayed();
    if (role === 'timestamp') return version === undefined ? generation.timestamp : undefined;
    if (role === 'snapshot' || role === 'targets') {
      const document = generation[role];
      if (version === undefined) return generation.root.signed.consistentSnapshot ? undefined : document;
      return document.signed.version === version ? document : recent(generation, role, version);
    }
    return delegated(generation, role, version);
  };

  return async (name) => {
    const [, digits, role] = NAME.exec(name) ?? [];
    if (role === undefined) throw unlisted(name);
    // A role may be called "1.x": the whole name is a role's name too (TUF §5.6.7 without consistent snapshots).
    const version = digits === undefined ? undefined : Number(digits);
    const document =
      (await find(role, version)) ?? (digits === undefined ? undefined : await find(`${digits}.${role}`, undefined));
    if (document === undefined) throw unlisted(name);
    return { bytes: document.bytes, immutable: version !== undefined };
  };
}

function ofVersion<S extends Signed>(document: Verified<S>, version: number): Verified<S> | undefined {
  return document.signed.version === version ? document : undefined;
}

function unlisted(name: string): Refusal {
  return new Refusal('unlisted', `There is no metadata file called ${name.slice(0, 200)}.`, { subject: 'request' });
}
