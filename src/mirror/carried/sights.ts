import { internalCaller } from '../../async/caller.ts';
import { isVariants } from '../../pypi/names.ts';
import type { IndexParts } from '../index-parts.ts';
import type { Candidate } from '../package-index.ts';

/**
 * Files that nothing but a manifest states a digest of: each is pinned before the bundle that brings it is believed, so that no later one brings
 * other bytes under its name.
 */
export class CarriedSights {
  readonly #candidate: Candidate;
  /** Projects with such files that were looked into. */
  readonly #projects = new Set<string>();

  constructor(candidate: Candidate) {
    this.#candidate = candidate;
  }

  /** The same, watched. */
  get candidate(): Candidate {
    return {
      projects: (caller) => this.#candidate.projects(caller),
      listing: (project, caller) => this.#candidate.listing(project, caller),
      open: (page, filename, caller) => {
        if (page.listing.files.get(filename)?.carried !== undefined) this.#projects.add(page.project);
        return this.#candidate.open(page, filename, caller);
      },
    };
  }

  /** Durable when it resolves. A pin that is there stays. Throws Refusal. */
  async pin({ index, sightPins, reuploads }: Pick<IndexParts, 'index' | 'sightPins' | 'reuploads'>): Promise<void> {
    // Upstream may put other bytes under a name.
    if (reuploads) return;
    const caller = internalCaller(index, 'import');
    for (const project of this.#projects) {
      const { listing } = await this.#candidate.listing(project, caller);
      const seen = new Map<string, string>();
      for (const { carried, unheld, entry } of listing.files.values()) {
        const sha256 = entry.digests.get('sha256');
        if (carried !== undefined && unheld !== true && sha256 !== undefined && !isVariants(entry.filename))
          seen.set(entry.filename, sha256);
      }
      if (seen.size > 0) await sightPins.seeAll(project, seen);
    }
  }
}
