import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Generation } from '../../tuf/stages.ts';
import { EvidencedIndex } from '../create-index.ts';
import { Fetch } from '../files/fetch.ts';
import type { Candidate, CandidateRoles, Origin } from '../package-index.ts';
import { unwritten } from '../unwritten-pins.ts';
import { FlooredClock } from './clock-floor.ts';
import { type Generations, TufEvidence } from './evidence.ts';
import type { SignedParts } from './index.ts';
import type { Keeper } from './keeper.ts';
import { delegationTo } from './role-search.ts';
import { Roles } from './roles.ts';
import { TargetFiles } from './targets.ts';

/** Where a generation that is not believed yet was found, and as of when it is judged. */
interface Found {
  readonly from: Origin | undefined;
  readonly asOf: Instant | undefined;
}

/** Pages, files, roles and targets of a generation that is not believed yet, from where it was found. */
export function candidateOf(
  given: SignedParts,
  keeper: Keeper,
  generation: Generation,
  { from, asOf }: Found,
): Candidate {
  const { clock } = given;
  const upstream = from?.upstream ?? given.upstream;
  const source = from?.metadata ?? given.source;
  const pins = unwritten(given.pins);
  // Nor is anything drawn of it kept: pins that were not written vouch for nothing.
  const parts = {
    ...given,
    pins,
    clock: asOf === undefined ? clock : new FlooredClock({ now: () => clock.now(), judged: () => asOf }, 0),
    drawn: undefined,
    shared: undefined,
    // No client asks it for anything.
    lookAhead: undefined,
    upstream,
    source,
    fetch: new Fetch({ ...given, upstream }),
  };
  const generations = only(generation, keeper);
  const roles = new Roles(parts);
  const index = new EvidencedIndex(parts, new TufEvidence({ ...parts, generations, roles }));
  return {
    listing: (project, caller) => index.listing(project, caller),
    projects: (caller) => index.projects(caller),
    open: (page, filename, caller) => index.open(page, filename, caller),
    roles: rolesOf(generation, roles, new TargetFiles({ ...parts, keeper: generations, roles, judge: unjudged })),
  };
}

/** What this site holds back is asked again by whoever serves it. */
async function unjudged(): Promise<void> {}

function rolesOf(generation: Generation, roles: Roles, targets: TargetFiles): CandidateRoles {
  return {
    async keep(name, caller) {
      try {
        const by = await delegationTo(roles, generation, name, caller);
        if (by !== undefined) await roles.keep(generation, by, caller);
        return by !== undefined;
      } catch (error) {
        if (error instanceof Refusal && UNBELIEVED.has(error.reason)) return false;
        throw error;
      }
    },
    target: (path, caller) => targets.open(path, caller),
  };
}

/** Whoever asks for such a role is refused for that reason, here as outside. */
const UNBELIEVED: ReadonlySet<Refusal['reason']> = new Set(['expired', 'delegation']);

/** The generation that is looked into, whatever is published meanwhile. */
function only(generation: Generation, keeper: Keeper): Generations {
  return {
    warm: () => generation,
    // It is looked into whatever is in force meanwhile.
    isSpent: false,
    current: generation,
    refresh: async () => generation,
    underCurrent: (run) => run(generation),
    following: async () => undefined,
    lastRefresh: keeper.lastRefresh,
    lastError: keeper.lastError,
  };
}
