import { type Expected, makeExpected } from '../bytes/expected.ts';
import { mustBe } from '../bytes/proof.ts';
import { Refusal } from '../bytes/refusal.ts';
import { LIMITS } from './limits.ts';
import type { Delegation, Signed, Targets } from './model.ts';
import { Generation } from './stages.ts';
import { Verified } from './verified.ts';

/** A role visited by a search, and by which delegation (none for targets). */
export interface Visit {
  readonly by: Delegation | undefined;
  readonly role: Verified<Targets>;
  /** The delegator; undefined for targets. */
  readonly parent: Visit | undefined;
}

export interface Found {
  /** Undefined: the metadata positively does not list the path. */
  readonly target: Expected | undefined;
  /** The role that lists it, with its delegators. */
  readonly listedBy: Visit | undefined;
  /** Every role the answer rests on, in the order visited. */
  readonly visited: readonly Visit[];
}

/** Gives a role as its delegator vouches for it (`acceptDelegated`). A failure ends the search. */
export type LoadRole = (by: Delegation, delegator: Verified<Targets>) => Promise<Verified<Targets>>;

interface Pending {
  readonly by: Delegation;
  readonly parent: Visit;
}

/**
 * TUF 1.0.37 §5.6.7: pre-order, in listed order, each role name once on the path of delegations that leads to it, a
 * terminating role ends the search behind its own subtree. Fails closed: a role that cannot be loaded, or more visits
 * than the limit, is an error and never "absent".
 */
export async function findTarget(generation: Generation, path: string, load: LoadRole): Promise<Found> {
  if (path.length > LIMITS.targetPath)
    throw new Refusal('limit', `A target path longer than ${LIMITS.targetPath} characters.`);
  mustBe(Generation, generation);
  const visited: Visit[] = [];
  let pending: Pending[] = [];
  let visit: Visit = { by: undefined, role: generation.targets, parent: undefined };
  for (;;) {
    visited.push(visit);
    const target = visit.role.signed.targets.get(path);
    if (target !== undefined) return { target: makeExpected(target), listedBy: visit, visited };
    const children: Pending[] = [];
    for (const by of visit.role.signed.delegations?.childrenFor(path) ?? []) {
      children.push({ by, parent: visit });
      if (by.terminating) {
        pending = [];
        break;
      }
    }
    pending.push(...children.reverse());
    let next = pending.pop();
    while (next !== undefined && isOnPath(next)) next = pending.pop();
    if (next === undefined) return { target: undefined, listedBy: undefined, visited };
    // Visits, not names: roles that two delegators share must not multiply what a search costs.
    if (visited.length > LIMITS.visitsPerSearch)
      throw new Refusal(
        'delegation',
        `The search for ${path.slice(0, 200)} went through more than ${LIMITS.visitsPerSearch} roles.`,
        { subject: 'delegated' },
      );
    const role = itself(await load(next.by, next.parent.role), next.by.name);
    visit = { by: next.by, role, parent: next.parent };
  }
}

/** True where the role delegates, over however many others, to itself. */
function isOnPath({ by, parent }: Pending): boolean {
  for (let above: Visit | undefined = parent; above !== undefined; above = above.parent)
    if (above.by?.name === by.name) return true;
  return false;
}

/** A role answers for its own name only, whatever keys it shares with others. */
function itself(role: Verified<Targets>, name: string): Verified<Targets> {
  mustBe<Verified<Signed>>(Verified, role);
  if (role.role !== name) throw new TypeError(`The role ${role.role} was given where ${name} was asked for.`);
  return role;
}
