import { Refusal } from '../bytes/refusal.ts';
import type { CountedProjects } from '../ports/page-work.ts';
import { SPARED_FOR } from './limits.ts';
import type { KnownListing, ListedSerials, PackageIndex } from './package-index.ts';

/** Which held pages are at the count of upstream's list. Undefined where that counts nothing. */
export function listedSerials(serials: CountedProjects, index: Pick<PackageIndex, 'known'>): ListedSerials | undefined {
  if (serials.size === 0) return undefined;
  return {
    async unchanged(project, caller) {
      const serial = serials.get(project);
      if (serial === undefined) return undefined;
      const held = await index.known(project, caller).catch(refusedAsNone);
      if (held === undefined || !isRecent(held) || held.page.believed.source?.serial !== serial) return undefined;
      return held.page;
    },
  };
}

/** Age 0 of what is not fresh: the clock went back, and nobody knows how old it is. */
function isRecent({ standing, age = SPARED_FOR }: Pick<KnownListing, 'standing' | 'age'>): boolean {
  return standing !== 'expired' && age < SPARED_FOR && (age > 0 || standing === 'fresh');
}

/** Whoever asks for the page hears why, or has it anew. */
function refusedAsNone(error: unknown): undefined {
  if (!(error instanceof Refusal)) throw error;
}
