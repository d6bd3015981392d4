/** Something by name, and what of it. */
export interface Told {
  readonly what: string;
  readonly why: string;
  /** Where it was asked for; undefined of what a whole index was asked for. */
  readonly at?: string | undefined;
}

/** The first of each kind that are told by name; the others are counted. */
const MOST_TOLD = 10_000;

/** Counts all, and names the first. */
export class Tellings {
  readonly named: Told[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(told: Told): void {
    this.#count++;
    if (this.named.length < MOST_TOLD) this.named.push(told);
  }
}

/** How a sync stands. Bytes are as pages state them. */
export interface Progress {
  projects: number;
  projectsDone: number;
  /** Files that were chosen so far. */
  files: number;
  bytes: number;
  /** Files of which no size is stated. */
  unsized: number;
  /** Fetched and proved by this sync. */
  fetched: number;
  fetchedBytes: number;
  /** Held before, or by a round before. */
  held: number;
  heldBytes: number;
  failed: number;
  retries: number;
}

function newProgress(): Progress {
  return {
    projects: 0,
    projectsDone: 0,
    files: 0,
    bytes: 0,
    unsized: 0,
    fetched: 0,
    fetchedBytes: 0,
    held: 0,
    heldBytes: 0,
    failed: 0,
    retries: 0,
  };
}

/** What came of a sync, or of counting what it would do. */
export interface SyncReport {
  readonly progress: Progress;
  /** Asked for, and nowhere to be had. */
  readonly missing: Tellings;
  /** Asked for, and not taken because something of it does not hold. */
  readonly refused: Tellings;
  /** Fetched files by name. */
  readonly fetched: Tellings;
  /** What filters and pages leave out: files by why. */
  readonly leftOut: Map<string, number>;
}

/** `before`: the report of a round that had to begin again: what it fetched is told all the same. */
export function newReport(before?: SyncReport): SyncReport {
  const { fetched = 0, fetchedBytes = 0, retries = 0 } = before?.progress ?? {};
  return {
    progress: { ...newProgress(), fetched, fetchedBytes, retries },
    missing: new Tellings(),
    refused: new Tellings(),
    fetched: before?.fetched ?? new Tellings(),
    leftOut: new Map(),
  };
}

export function isWhole({ missing, refused }: SyncReport): boolean {
  return missing.count === 0 && refused.count === 0;
}
