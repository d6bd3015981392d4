import type { ItemPath } from './state-storage.ts';

/**
 * What an index's state consists of. `pages`: as upstream sent them. `floors`: what is left of a page that was let go, or whose
 * project is gone. `pins`. `trust`: everything else: signed metadata, and the list of all projects.
 */
export const STATE_PARTS = ['pages', 'floors', 'pins', 'trust'] as const;
export type StatePart = (typeof STATE_PARTS)[number];

/** What is remembered on disk: the state of each index and what it is made of, and the lines of records that all share. */
export const KEPT_KINDS = [...STATE_PARTS, 'state', 'journal', 'access', 'tally', 'news', 'requests'] as const;

/** A value below `pages` that begins with this byte, or is empty, is a floor. */
export const FLOOR_MARK = 0;

export interface PartSize {
  /** Versions of items; of all but signed metadata an item has one. */
  readonly entries: number;
  /** Of their values. */
  readonly bytes: number;
}

export type StateContents = Readonly<Record<StatePart, PartSize>>;

/** How much room the state of an index takes on disk. */
export interface StateUsage {
  readonly contents: StateContents;
  /** Of the file, what is in use: without what was given back within it. */
  readonly bytes: number;
  readonly limit: number;
}

/** An item whose newest version was created long ago. */
export interface OldItem {
  readonly item: ItemPath;
  readonly version: number;
}

/** Some items, oldest first. `next`: where to go on; at the end, where what is written later will be. */
export interface OldItems {
  readonly items: readonly OldItem[];
  readonly next: number;
  readonly isEnd: boolean;
}

/** Whoever makes room in the state of an index. */
export interface RoomKeeper {
  /** Begins to, where that is needed and not under way; resolves to whether new items find room. Does not throw. */
  makeRoom(): Promise<boolean>;
}

/** The room that the state of an index takes. */
export interface StateRoom {
  usage(index: string): Promise<StateUsage>;
  /** Pages that are whole, by when their newest version was created, after what an earlier call named as `next`. */
  oldestPages(index: string, after: number): Promise<OldItems>;
  /** Asks the keeper when there is little room left, and waits for it where a new item finds none. */
  keepRoom(index: string, keeper: RoomKeeper): void;
}

/** From this part of the limit on room is made, down to the next. */
export const CROWDED_FROM = 14 / 16;
export const ROOMY_BELOW = 13 / 16;
/** From this part on no project that has no item is given one: what is left is for what is there. */
export const FULL_FROM = 15 / 16;
