import type { Emit } from '../../ports/events.ts';
import { type LeftOutReason, leftOutWhy, type PageTally, type Tallies } from '../../ports/left-out.ts';
import type { Enforced } from '../../ports/page-work.ts';

/** Projects whose pages are counted one by one; beyond it they are not. */
const MOST_PROJECTS = 100_000;

/** Hosts whose files are counted one by one in the sum of all pages. */
const MOST_HOSTS = 100;

const NOTHING: PageTally = { leftOut: new Map(), firstSight: 0, byManifest: 0, outOfReach: new Map() };

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
  /** Files listed by the digest that a signed manifest names. */
  readonly byManifest: number;
  /** Files that are listed and cannot be fetched, by host; the hosts with the most. */
  readonly outOfReach: ReadonlyMap<string, number>;
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
    const hosts = new Map<string, number>();
    let firstSight = 0;
    let byManifest = 0;
    for (const tally of this.#pages.values()) {
      firstSight += tally.firstSight;
      byManifest += tally.byManifest;
      addUp(leftOut, tally.leftOut);
      addUp(hosts, tally.outOfReach);
    }
    const most = [...hosts].sort(([, a], [, b]) => b - a).slice(0, MOST_HOSTS);
    return { leftOut, firstSight, byManifest, outOfReach: new Map(most) };
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
    const tally = given === undefined || isSame(given, NOTHING) ? undefined : given;
    const before = this.#pages.get(project);
    if (isSame(before, tally)) return;
    if (tally === undefined) this.#pages.delete(project);
    else if (before !== undefined || this.#pages.size < MOST_PROJECTS) this.#pages.set(project, tally);
    tallies.put(index, project, tally);
    emit({ name: 'leftOut', index, project, ...(tally ?? NOTHING) });
  }
}

function isSame(a: PageTally = NOTHING, b: PageTally = NOTHING): boolean {
  return (
    a.firstSight === b.firstSight &&
    a.byManifest === b.byManifest &&
    areSame(a.leftOut, b.leftOut) &&
    areSame(a.outOfReach, b.outOfReach)
  );
}

function areSame<K>(one: ReadonlyMap<K, number>, other: ReadonlyMap<K, number>): boolean {
  return one.size === other.size && [...one].every(([key, count]) => other.get(key) === count);
}

function addUp<K>(sum: Map<K, number>, counts: ReadonlyMap<K, number>): void {
  for (const [key, count] of counts) sum.set(key, (sum.get(key) ?? 0) + count);
}

/** Of one page: faulty lines, files that pins or rules forbid, files that are listed without a digest of upstream's or out of reach. */
export function tallyOf({ listing, withheld, hidden }: Enforced, outOfReach: PageTally['outOfReach']): PageTally {
  const leftOut = new Map<LeftOutReason, number>(listing.leftOut.counts);
  const add = (why: LeftOutReason, count: number) => leftOut.set(why, (leftOut.get(why) ?? 0) + count);
  for (const { reason } of withheld.values()) add(leftOutWhy(reason), 1);
  if (hidden === true && listing.files.size > 0) add('policy', listing.files.size);
  let firstSight = 0;
  let byManifest = 0;
  for (const file of listing.files.values()) {
    if (file.firstSight === true) firstSight++;
    if (file.carried !== undefined) byManifest++;
  }
  return { leftOut, firstSight, byManifest, outOfReach };
}
