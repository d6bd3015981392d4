import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Delegation, Targets } from '../../tuf/model.ts';
import type { Generation } from '../../tuf/stages.ts';
import type { Verified } from '../../tuf/verified.ts';
import { LIMITS } from '../limits.ts';
import type { Roles } from './roles.ts';

/** Which delegation names a role: the one it was last reached by, else looked for in the tree, nearest first. */
export async function delegationTo(
  roles: Roles,
  generation: Generation,
  role: string,
  caller: Caller,
): Promise<Delegation | undefined> {
  const delegator = roles.delegatorOf(role);
  if (delegator !== undefined && delegator !== role) {
    const parent = await byName(roles, generation, delegator, caller);
    const found = parent?.signed.delegations?.named(role);
    if (found !== undefined) return found;
  }
  return searchTree(roles, generation, role, caller);
}

async function byName(
  roles: Roles,
  generation: Generation,
  role: string,
  caller: Caller,
): Promise<Verified<Targets> | undefined> {
  if (role === 'targets') return generation.targets;
  const by = await searchTree(roles, generation, role, caller);
  return by === undefined ? undefined : roles.load(generation, by, caller);
}

/** Level by level, each role asked as soon as it is there: a developer's role names nobody, and there may be thousands. */
async function searchTree(
  roles: Roles,
  generation: Generation,
  role: string,
  caller: Caller,
): Promise<Delegation | undefined> {
  const listed = generation.targets.signed.delegations?.named(role);
  if (listed !== undefined) return listed;
  const seen = new Set<string>();
  let level: readonly Verified<Targets>[] = [generation.targets];
  while (level.length > 0) {
    const next: Verified<Targets>[] = [];
    for (const by of delegationsOf(level)) {
      if (seen.has(by.name)) continue;
      // "Not found" may only be said of what was looked through to the end.
      if (seen.size >= LIMITS.rolesPerName)
        throw new Refusal('delegation', `Who delegates to ${role.slice(0, 200)} was not found within the limits.`, {
          subject: 'delegated',
        });
      seen.add(by.name);
      const delegator = await roles.load(generation, by, caller);
      const found = delegator.signed.delegations?.named(role);
      if (found !== undefined) return found;
      next.push(delegator);
    }
    level = next;
  }
  return undefined;
}

/** Those of roles that delegate to few come first. */
function* delegationsOf(level: readonly Verified<Targets>[]): Generator<Delegation, void, undefined> {
  const fewFirst = level.flatMap(({ signed }) => signed.delegations ?? []).sort((a, b) => a.count - b.count);
  for (const delegations of fewFirst)
    for (const name of delegations.names) {
      const by = delegations.named(name);
      if (by !== undefined) yield by;
    }
}
