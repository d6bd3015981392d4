import type { Emit } from '../../ports/events.ts';
import { LEFT_OUT, type LeftOutReason, leftOutWhy, type PageTally, type Tallies } from '../../ports/left-out.ts';
import type { Enforced } from '../../ports/page-work.ts';

/** Projects whose pages are counted one by one; beyond it they are not. */
const MOST_PROJECTS = 100_000;

const NOTHING: PageTally = { leftOut: new Map(), firstSight: 0 };

interface PageTalliesOptions {
  readonly index: string;
  readonly tallies: Tallies;
  readonly emit: Emit;
}

/** What the pages in force leave out, added up. */
export interface TallyTotals {
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
  /** Files listed on the evidence `first-sight`. */
  readonly firstSight: number;
}

/**
 * What the pages in force do not pass on, by why. A page drawn again counts once, and is told of once for each change, also
 * across a restart.
 */
export class PageTallies {
  readonly #options: PageTalliesOptions;
  readonly #pages = new Map<string, PageTally>();
  /** Everything happens behind what earlier runs have written down, which is read when it is first needed. */
  #last: Promise<void> | undefined;

  constructor(options: PageTalliesOptions) {
    this.#options = options;
  }

  /** The page of a project that is in force now; undefined where there is none any more. Does not throw. */
  put(project: string, tally: PageTally | undefined): void {
    this.#last = this.#loaded().then(() => this.#put(project, tally));
  }

  /** Resolves when everything put so far is told. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async totals(): Promise<TallyTotals> {
    await this.#loaded();
    const leftOut = new Map<LeftOutReason, number>();
    let firstSight = 0;
    for (const tally of this.#pages.values()) {
      firstSight += tally.firstSight;
      for (const [why, count] of tally.leftOut) leftOut.set(why, (leftOut.get(why) ?? 0) + count);
    }
    return { leftOut, firstSight };
  }

  #loaded(): Promise<void> {
    const { index, tallies } = this.#options;
    this.#last ??= tallies.load(index).then(
      (pages) => {
        for (const [project, tally] of pages) this.#pages.set(project, tally);
      },
      // A hint only: what cannot be read is counted anew, page by page.
      () => undefined,
    );
    return this.#last;
  }

  #put(project: string, given: PageTally | undefined): void {
    const { index, tallies, emit } = this.#options;
    const tally = given === undefined || (given.leftOut.size === 0 && given.firstSight === 0) ? undefined : given;
    const before = this.#pages.get(project);
    if (isSame(before, tally)) return;
    if (tally === undefined) this.#pages.delete(project);
    else if (before !== undefined || this.#pages.size < MOST_PROJECTS) this.#pages.set(project, tally);
    tallies.put(index, project, tally);
    const { leftOut, firstSight } = tally ?? NOTHING;
    emit({ name: 'leftOut', index, project, leftOut, firstSight });
  }
}

function isSame(a: PageTally | undefined, b: PageTally | undefined): boolean {
  const [{ leftOut: one, firstSight }, { leftOut: other, firstSight: next }] = [a ?? NOTHING, b ?? NOTHING];
  return firstSight === next && one.size === other.size && [...one].every(([why, count]) => other.get(why) === count);
}

/** Of one page: faulty lines, files that pins or rules forbid, and files that are listed without a digest of upstream's. */
export function tallyOf({ listing, withheld, hidden }: Enforced): PageTally {
  const leftOut = new Map<LeftOutReason, number>(listing.leftOut.counts);
  const add = (why: LeftOutReason, count: number) => leftOut.set(why, (leftOut.get(why) ?? 0) + count);
  for (const { reason } of withheld.values()) add(leftOutWhy(reason), 1);
  if (hidden === true && listing.files.size > 0) add('policy', listing.files.size);
  let firstSight = 0;
  for (const file of listing.files.values()) if (file.firstSight === true) firstSight++;
  return { leftOut, firstSight };
}

/** The tally of one page as a note beside it; a page with files that are believed at first sight has none. */
export function noteOf({ leftOut }: PageTally): string {
  return [...leftOut].map(([why, count]) => `${why} ${count}`).join('\n');
}

/** What `noteOf` wrote. */
export function readTally(note: string): PageTally {
  const leftOut = new Map<LeftOutReason, number>();
  for (const line of note.split('\n')) {
    const [name, count] = line.split(' ');
    const why = LEFT_OUT.find((known) => known === name);
    if (why !== undefined) leftOut.set(why, Number(count));
  }
  return { leftOut, firstSight: 0 };
}
