import type { Refusal } from '../bytes/refusal.ts';
import type { Page } from '../pypi/page.ts';
import type { Listing } from '../pypi/relink.ts';
import type { Generation } from '../tuf/accept.ts';
import type { Instant } from '../tuf/model.ts';
import type { Search } from './roles.ts';

/** A proved page as it is kept in memory: rendered, and with what it takes to find its files again. */
export interface HeldPage {
  readonly page: Page;
  readonly listing: Listing;
  /** Files the page lists but that are not served, by name, with the reason. */
  readonly withheld: ReadonlyMap<string, Refusal>;
  /** The proved bytes it was drawn from. */
  readonly source: string;
  readonly proof: Proof;
}

/** What the page's proof rests on, so that a later generation can tell whether it still holds. */
export interface Proof {
  readonly generation: Generation;
  readonly rootVersion: number;
  /** Versions by snapshot file name of every role visited. */
  readonly versions: ReadonlyMap<string, number>;
  /** The first delegated role to expire; top-level roles are compared per generation. */
  readonly expires: Instant;
}

export function proofOf({ generation, visited }: Search): Proof {
  return {
    generation,
    rootVersion: generation.root.signed.version,
    versions: new Map(visited.map(({ by, role }) => [`${by?.name ?? 'targets'}.json`, role.signed.version])),
    expires: Math.min(...visited.map(({ role }) => role.signed.expires)),
  };
}

/** DESIGN J1: a page stays warm across a swap where every role on its chain has the same version. */
export function carryOver(proof: Proof, generation: Generation): Proof | undefined {
  if (proof.rootVersion !== generation.root.signed.version) return undefined;
  for (const [name, version] of proof.versions)
    if (generation.snapshot.signed.meta.get(name)?.version !== version) return undefined;
  return { ...proof, generation };
}
