import { agree } from '../../bytes/digest.ts';
import type { Refusal } from '../../bytes/refusal.ts';
import type { Listing } from '../../pypi/listing.ts';
import type { Page } from '../../render/page.ts';
import type { Visit } from '../../tuf/delegation.ts';
import type { Instant, MetaFile } from '../../tuf/model.ts';
import type { Generation } from '../../tuf/stages.ts';

/** A page as it is kept in memory: rendered, and with what it takes to find its files again. */
export interface HeldPage {
  readonly page: Page;
  readonly listing: Listing;
  /** Files the page lists but that are not served, by name, with the reason. */
  readonly withheld: ReadonlyMap<string, Refusal>;
  /** The bytes it was drawn from, by digest. */
  readonly source: string;
}

/** What a page takes in memory, about: its bodies, the objects around them, and a parsed line for each file. */
export function weigh({ page, listing, withheld }: HeldPage): number {
  return page.size + BYTES_PER_PAGE + (listing.files.size + withheld.size) * BYTES_PER_ENTRY;
}

// Measured on pages as PyPI writes them, after a garbage collection.
const BYTES_PER_PAGE = 8000;
const BYTES_PER_ENTRY = 1600;

/** A page proved by signatures. */
export interface ProvedPage extends HeldPage {
  /** True where the page states no digests of its own: the same bytes may be drawn otherwise when its files' roles change. */
  readonly bare: boolean;
  /** Where something was withheld: from when on it is drawn again, for an operator may have let it through meanwhile. */
  readonly redrawAt: Instant | undefined;
  readonly proof: Proof;
}

/** What the page's proof rests on, so that a later generation can tell whether it still holds. */
export interface Proof {
  readonly generation: Generation;
  readonly rootVersion: number;
  /** What the snapshot said of every role visited, by its file name there. */
  readonly roles: ReadonlyMap<string, MetaFile | undefined>;
  /** The first delegated role to expire; top-level roles are compared per generation. */
  readonly expires: Instant;
}

/** `visited`: every role the page rests on, its own and those that prove its files. */
export function proofOf(generation: Generation, visited: readonly Visit[]): Proof {
  const { meta } = generation.snapshot.signed;
  const names = new Set(visited.map(({ by }) => `${by?.name ?? 'targets'}.json`));
  return {
    generation,
    rootVersion: generation.root.signed.version,
    roles: new Map([...names].map((name) => [name, meta.get(name)])),
    expires: visited.reduce((first, { role }) => Math.min(first, role.signed.expires), Number.POSITIVE_INFINITY),
  };
}

/** DESIGN J1: a page stays warm across a swap where every role on its chain is the same. */
export function carryOver(proof: Proof, generation: Generation): Proof | undefined {
  if (proof.rootVersion !== generation.root.signed.version) return undefined;
  for (const [name, before] of proof.roles)
    if (!isSame(before, generation.snapshot.signed.meta.get(name))) return undefined;
  return { ...proof, generation };
}

/** The same version, and where the snapshot states digests, the same ones: some upstreams forget to count up. */
function isSame(before: MetaFile | undefined, now: MetaFile | undefined): boolean {
  if (before === undefined || now === undefined || before.version !== now.version) return false;
  const [a, b] = [before.digests, now.digests];
  return a === undefined || b === undefined ? a === b : agree(a, b);
}
