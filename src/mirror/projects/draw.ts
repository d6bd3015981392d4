import type { Caller } from '../../async/caller.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { mustBe } from '../../bytes/proof.ts';
import type { Clock } from '../../ports/clock.ts';
import { type LeftOutReason, leftOutWhy } from '../../ports/left-out.ts';
import type { Digestless, Enforced, PageWork } from '../../ports/page-work.ts';
import type { PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import { emptied, type Listing, without } from '../../pypi/listing.ts';
import type { KnownFile, Undigested } from '../../pypi/relink.ts';
import { makePage, type Page } from '../../render/page.ts';
import { Believed, type Source } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { type BelievedPage, makeBelievedPage } from './believed-page.ts';
import type { PageTallies } from './left-out.ts';
import type { ProjectPins } from './pins.ts';

/** What is served of a belief. */
export interface Drawing<P, V> {
  readonly believed: Believed<P>;
  readonly view: V;
  /** False where the same bytes may be drawn otherwise the next time that upstream is asked. */
  readonly settled: boolean;
  /** From when on it is drawn again, whether or not upstream is asked. */
  readonly until: Instant | undefined;
  /** Of the rules it was drawn by. */
  readonly policy: string;
  /** Bytes of memory. */
  readonly weight: number;
}

/** Makes what is served of one kind of document. */
export interface Drawer<P, V> {
  draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, V>>;
  /** The same drawing under another belief of the same bytes. No I/O. */
  under(drawing: Drawing<P, V>, believed: Believed<P>): Drawing<P, V>;
  /** The same bytes came again; undefined where they must be drawn anew. */
  again(drawing: Drawing<P, V>, believed: Believed<P>): Promise<Drawing<P, V> | undefined>;
  /** True where it must be drawn again before it is served. */
  isDue(drawing: Drawing<P, V>): boolean;
  /** True where the rules have changed since: it must not be served any more. */
  isOutdated(drawing: Drawing<P, V>): boolean;
  /** Upstream has no such document any more. */
  gone(name: string): void;
}

interface PageDrawerOptions<P> {
  readonly evidence: Evidence<P>;
  readonly work: PageWork;
  readonly pins: ProjectPins;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly tallies: PageTallies;
  /** What becomes of files that nobody states a digest of; of an index that signs, they are withheld. */
  readonly undigested: 'first-sight' | 'withhold';
  /** What was seen of files is pinned. */
  readonly remembers: boolean;
}

/** Seconds after which a page that lacks something is drawn again: an operator may have let it through meanwhile. */
const WITHHELD_FOR = 60;

/** Seconds in which first sights of a page's files are gathered before it is drawn again: a page of 8,000 files takes a second. */
const GATHERED_FOR = 5;
const MOST_DUE = 10_000;

// Measured on pages as PyPI writes them, after a garbage collection.
const BYTES_PER_PAGE = 8000;
const BYTES_PER_ENTRY = 1600;
/** Of a line that is left out, and remembered by name. */
const BYTES_PER_LINE = 160;

interface Judged extends Enforced {
  readonly verdict: PageVerdict;
  /** Pins forbid nothing of it. */
  readonly complete: boolean;
}

/** Decodes, asks the evidence for missing digests, enforces pins and policy, and renders. */
export class PageDrawer<P> implements Drawer<P, BelievedPage<P>> {
  readonly #options: PageDrawerOptions<P>;

  /** When a page that was drawn before a file of it was pinned is drawn again. */
  readonly #due = new BoundedMap<Instant>({ entries: MOST_DUE });

  constructor(options: PageDrawerOptions<P>) {
    this.#options = options;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, BelievedPage<P>>> {
    const { evidence, work, policy, tallies } = this.#options;
    mustBe<Believed<unknown>>(Believed, believed);
    // Pins may give way to a page that was repeated: the page is there before them.
    if (believed.observation.repeated) await believed.unsaved?.save();
    const bytes = await source.read(caller);
    // What is pinned from now on is for the drawing after this one.
    this.#due.delete(believed.name);
    let proved = believed;
    let judged: Judged | undefined;
    const drawn = await work.drawPage(
      { project: believed.name, bytes, pageUrl: source.url },
      {
        undigested: async (files) => {
          const digests = await evidence.digests(believed, files.names);
          proved = digests.believed;
          return this.#undigested(believed.name, digests.known, files);
        },
        enforce: async (listing) => {
          judged = await this.#enforce(listing, believed);
          return judged;
        },
      },
      caller,
    );
    // Where there was no new pin to store it with.
    await believed.unsaved?.save();
    if (judged === undefined) throw new Error('a page was drawn that nothing was enforced on');
    const { verdict, complete } = judged;
    const { hidden, withheld } = drawn;
    tallies.put(believed.name, { leftOut: countLeftOut(drawn), firstSight: countFirstSight(drawn.listing) });
    // Nothing else that is made of the listing may offer what the page does not.
    const listing = hidden === true ? emptied(drawn.listing) : drawn.listing;
    const view = makeBelievedPage({ believed: proved, page: pageOf(drawn.bodies, source), listing, withheld, verdict });
    return {
      believed: proved,
      view,
      settled: complete && proved === believed,
      until: this.#until(verdict, complete),
      policy: policy.version,
      weight: weightOf(view, withheld.size, source),
    };
  }

  under(drawing: Drawing<P, BelievedPage<P>>, believed: Believed<P>): Drawing<P, BelievedPage<P>> {
    return { ...drawing, believed, view: drawing.view.under(believed) };
  }

  async again(
    drawing: Drawing<P, BelievedPage<P>>,
    believed: Believed<P>,
  ): Promise<Drawing<P, BelievedPage<P>> | undefined> {
    const { pins } = this.#options;
    const { listing } = drawing.view;
    // An operator may have taken back or replaced pins meanwhile.
    if (!drawing.settled || this.isDue(drawing) || !(await pins.allow(listing))) return undefined;
    const { observation } = believed;
    // A file may have been proved since the page came for the second time.
    if (observation.repeated) await pins.confirm(listing, observation);
    return this.under(drawing, believed);
  }

  isDue(drawing: Drawing<P, BelievedPage<P>>): boolean {
    const { until, believed } = drawing;
    const now = this.#options.clock.now();
    const due = this.#due.get(believed.name) ?? Number.POSITIVE_INFINITY;
    return this.isOutdated(drawing) || due <= now || (until !== undefined && until <= now);
  }

  /** A file of the page was pinned at first sight: its digest is for the next drawing, which other files may join. */
  seen(project: string): void {
    if (this.#due.get(project) === undefined) this.#due.set(project, this.#options.clock.now() + GATHERED_FOR);
  }

  isOutdated({ policy }: Drawing<P, BelievedPage<P>>): boolean {
    return policy !== this.#options.policy.version;
  }

  gone(name: string): void {
    this.#options.tallies.put(name, undefined);
  }

  /**
   * What has no digest on the page has that of its pin. Whatever has none is believed at first sight where the operator lets
   * it, unless the page states no digest of anything, and its project once did: what was taken away is not made good so.
   */
  async #undigested(project: string, signed: Undigested['known'], { digested }: Digestless): Promise<Undigested> {
    const { evidence, pins, undigested } = this.#options;
    if (evidence.kind === 'tuf' || !this.#options.remembers) return { known: signed, others: 'no-digest' };
    const known = new Map<string, KnownFile>();
    let hadDigests = false;
    for (const [filename, { digests, firstSight }] of await pins.of(project)) {
      if (firstSight !== true) hadDigests = true;
      if (firstSight !== true) known.set(filename, { digests });
      else if (undigested === 'first-sight') known.set(filename, { digests, firstSight });
    }
    if (digested === 0 && hadDigests) return { known, others: 'lost-digest' };
    return { known, others: undigested === 'first-sight' ? 'first-sight' : 'no-digest' };
  }

  /** Pins first: a verdict is on what they leave. */
  async #enforce(whole: Listing, { observation, unsaved }: Believed<P>): Promise<Judged> {
    const { pins, policy, clock } = this.#options;
    const { listing, withheld, silenced, pins: known } = await pins.enforce(whole, observation, unsaved);
    const verdict = policy.page(listing, known, clock.now());
    const hidden = verdict.others.action === 'hide';
    const refused = new Map(withheld);
    for (const [filename, judged] of verdict.files)
      if (judged.action === 'hide') refused.set(filename, judged.refusal(filename));
    const left = without(listing, { withheld: refused, silenced: new Map() });
    const complete = withheld.size === 0 && silenced.size === 0;
    return { listing: left, withheld: refused, silenced, hidden, verdict, complete };
  }

  #until({ files, others }: PageVerdict, complete: boolean): Instant | undefined {
    const times = [others, ...files.values()].map(({ until }: Verdict) => until).filter((until) => until !== undefined);
    if (!complete) times.push(this.#options.clock.now() + WITHHELD_FOR);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

/** Renders the list of all projects. */
export class ListDrawer<P> implements Drawer<P, Page> {
  readonly #work: PageWork;

  constructor(work: PageWork) {
    this.#work = work;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, Page>> {
    mustBe<Believed<unknown>>(Believed, believed);
    const view = pageOf(await this.#work.drawList(await source.read(caller), caller), source);
    return { believed, view, settled: true, until: undefined, policy: '', weight: view.size };
  }

  under(drawing: Drawing<P, Page>, believed: Believed<P>): Drawing<P, Page> {
    return { ...drawing, believed };
  }

  async again(drawing: Drawing<P, Page>, believed: Believed<P>): Promise<Drawing<P, Page>> {
    return this.under(drawing, believed);
  }

  isDue(): boolean {
    return false;
  }

  isOutdated(): boolean {
    return false;
  }

  gone(): void {
    // Nothing is counted of a list.
  }
}

function countFirstSight({ files }: Listing): number {
  let count = 0;
  for (const { firstSight } of files.values()) if (firstSight === true) count++;
  return count;
}

/** Faulty lines, and files that pins or policy forbid. */
function countLeftOut({ listing, withheld, hidden }: Enforced): ReadonlyMap<LeftOutReason, number> {
  const counts = new Map<LeftOutReason, number>(listing.leftOut.counts);
  const add = (why: LeftOutReason, count: number) => counts.set(why, (counts.get(why) ?? 0) + count);
  for (const { reason } of withheld.values()) add(leftOutWhy(reason), 1);
  if (hidden === true && listing.files.size > 0) add('policy', listing.files.size);
  return counts;
}

function pageOf(bodies: Parameters<typeof makePage>[0], { serial }: Source): Page {
  return makePage(bodies).at(serial);
}

function weightOf<P>({ page, listing }: BelievedPage<P>, withheld: number, source: Source): number {
  const { files, leftOut } = listing;
  const named = leftOut.lines.length * BYTES_PER_LINE;
  return page.size + BYTES_PER_PAGE + (files.size + withheld) * BYTES_PER_ENTRY + named + source.weight;
}
