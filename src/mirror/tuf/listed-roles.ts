import type { Caller } from '../../async/caller.ts';
import type { Expected } from '../../bytes/expected.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { Delegation, Delegations, Targets } from '../../tuf/model.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Verified } from '../../tuf/verified.ts';
import type { Roles } from './roles.ts';

/** A target that a search for its path ends at. */
export interface ListedTarget {
  readonly path: string;
  readonly expected: Expected;
}

/** A role that was proved, and what of its targets it is that vouches for them. */
export interface ListedRole {
  readonly role: string;
  readonly targets: readonly ListedTarget[];
}

export interface RolesWanted {
  /** Of roles that are stored here alone. */
  readonly held: boolean;
  /** Told of each role, and target of one, that cannot be read at this moment; without a reason it is only not held. */
  readonly onUnread: (name: string, why: Refusal | undefined) => void;
}

interface Listing {
  readonly generation: Generation;
  readonly roles: Pick<Roles, 'find' | 'load'>;
  readonly store: Pick<TrustStore, 'delegated'>;
  readonly caller: Caller;
}

const SUFFIX = '.json';
const TOP = 'targets';

/** Every role of a generation, from targets down, each with the targets that no role before it answers for. */
export async function* listedRoles(listing: Listing, wanted: RolesWanted): AsyncGenerator<ListedRole, void, undefined> {
  const { generation } = listing;
  const versions = new Map(
    [...generation.snapshot.signed.meta].map(([file, { version }]) => [file.slice(0, -SUFFIX.length), version]),
  );
  versions.delete(TOP);
  const seen = new Set<string>();
  /** Several roles may delegate to one: it is unread where none of them can vouch for it. */
  const unread = new Map<string, Refusal | undefined>();
  let level: readonly Verified<Targets>[] = [generation.targets];
  yield listed(listing, TOP, generation.targets, wanted);
  while (level.length > 0) {
    const next: Verified<Targets>[] = [];
    for (const { signed } of level)
      for (const by of delegationsOf(signed.delegations, versions.keys())) {
        if (seen.has(by.name)) continue;
        const role = await read(listing, by, { ...wanted, version: versions.get(by.name) });
        if (role instanceof Refusal || role === undefined) {
          unread.set(by.name, role);
          continue;
        }
        seen.add(by.name);
        unread.delete(by.name);
        yield listed(listing, by.name, role, wanted);
        if (role.signed.delegations !== undefined) next.push(role);
      }
    level = next;
  }
  for (const [name, why] of unread) wanted.onUnread(name, why);
}

/** The bins of a succinct delegation have no list: they are those of the snapshot's names that it would give them. */
function* delegationsOf(
  delegations: Delegations | undefined,
  named: Iterable<string>,
): Generator<Delegation, void, undefined> {
  if (delegations === undefined) return;
  const names = [...delegations.names];
  for (const name of names.length > 0 ? names : named) {
    const by = delegations.named(name);
    if (by !== undefined) yield by;
  }
}

/** Undefined for one that is only not held. */
async function read(
  { generation, roles, store, caller }: Listing,
  by: Delegation,
  { held, version }: { readonly held: boolean; readonly version: number | undefined },
): Promise<Verified<Targets> | Refusal | undefined> {
  if (held && (version === undefined || (await store.delegated(by.name, version)) === undefined)) return undefined;
  try {
    return await roles.load(generation, by, caller);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** What another role answers for, or nobody lets it answer for, is not its own (TUF §5.6.7). */
async function listed(
  { generation, roles, caller }: Listing,
  role: string,
  { signed }: Verified<Targets>,
  { onUnread }: RolesWanted,
): Promise<ListedRole> {
  const targets: ListedTarget[] = [];
  for (const path of signed.targets.keys())
    try {
      const { target, listedBy } = await roles.find(generation, path, caller);
      if (target !== undefined && (listedBy?.by?.name ?? TOP) === role) targets.push({ path, expected: target });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      onUnread(path, error);
    }
  return { role, targets };
}
