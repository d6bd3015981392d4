import type { PageState } from './index-state.ts';

/**
 * Pages of an index that signs nothing as replicas believed them last, under our seal: one of us wrote each, and somebody may have put back
 * an older one.
 */
export interface CommonPages {
  /** Undefined where there is none to be had. Never rejects. */
  find(project: string): Promise<PageState | undefined>;
  /** This is stored here: others may have it, and hear of it where it says something new. Returns at once. */
  stored(project: string, state: PageState): void;
}
