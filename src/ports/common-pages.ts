import type { PageState } from './index-state.ts';
import type { ListHead, StoredList } from './list-store.ts';

/**
 * Pages of an index that signs nothing as replicas believed them last, under our seal: one of us wrote each, and somebody may have put back
 * an older one.
 */
export interface CommonPages {
  /** Undefined where there is none to be had. Never rejects. */
  find(project: string): Promise<PageState | undefined>;
  /** This is stored here: others may have it, and hear of it where it says something new. Returns at once. */
  stored(project: string, state: PageState): void;
  /** Others may not have heard what was stored here of the project: it is to be stored there again, unless they know a newer one. */
  isUntold(project: string): boolean;
  readonly list: CommonList;
}

/** The same of the list of all projects. */
export interface CommonList {
  /** What is known of the one that was believed last, at no time to come; undefined where there is none to be had. Never rejects. */
  head(): Promise<ListHead | undefined>;
  /** Its bytes, compressed: suspect, but for our seal. Never rejects. */
  packed(head: ListHead): Promise<Uint8Array | undefined>;
  /** This is stored here. `isNew`: its bytes are, too. Resolves when it is on its way. */
  stored(list: StoredList, isNew: boolean): Promise<void>;
}
