import type { Caller } from '../../async/caller.ts';
import type { Instant } from '../../bytes/instant.ts';
import { mustBe } from '../../bytes/proof.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Enforced, PageWork } from '../../ports/page-work.ts';
import type { PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import { emptied, type Listing, without } from '../../pypi/listing.ts';
import { makePage, type Page } from '../../render/page.ts';
import { Believed, type Source } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { type BelievedPage, makeBelievedPage } from './believed-page.ts';
import type { LeftOutLines } from './left-out.ts';
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
  readonly leftOut: LeftOutLines;
}

/** Seconds after which a page that lacks something is drawn again: an operator may have let it through meanwhile. */
const WITHHELD_FOR = 60;

// Measured on pages as PyPI writes them, after a garbage collection.
const BYTES_PER_PAGE = 8000;
const BYTES_PER_ENTRY = 1600;

interface Judged extends Enforced {
  readonly verdict: PageVerdict;
  /** Pins forbid nothing of it. */
  readonly complete: boolean;
}

/** Decodes, asks the evidence for missing digests, enforces pins and policy, and renders. */
export class PageDrawer<P> implements Drawer<P, BelievedPage<P>> {
  readonly #options: PageDrawerOptions<P>;

  constructor(options: PageDrawerOptions<P>) {
    this.#options = options;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, BelievedPage<P>>> {
    const { evidence, work, policy, leftOut } = this.#options;
    mustBe<Believed<unknown>>(Believed, believed);
    const bytes = await source.read(caller);
    let proved = believed;
    let judged: Judged | undefined;
    const drawn = await work.drawPage(
      { project: believed.name, bytes, pageUrl: source.url },
      {
        async known(undigested) {
          const digests = await evidence.digests(believed, undigested);
          proved = digests.believed;
          return digests.known;
        },
        enforce: async (listing) => {
          judged = await this.#enforce(listing, believed);
          return judged;
        },
      },
      caller,
    );
    if (judged === undefined) throw new Error('a page was drawn that nothing was enforced on');
    const { verdict, complete } = judged;
    const { hidden, withheld } = drawn;
    leftOut.put(believed.name, drawn.listing.leftOut);
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
    const { until } = drawing;
    return this.isOutdated(drawing) || (until !== undefined && until <= this.#options.clock.now());
  }

  isOutdated({ policy }: Drawing<P, BelievedPage<P>>): boolean {
    return policy !== this.#options.policy.version;
  }

  gone(name: string): void {
    this.#options.leftOut.remove(name);
  }

  /** Pins first: a verdict is on what they leave. */
  async #enforce(whole: Listing, { observation }: Believed<P>): Promise<Judged> {
    const { pins, policy, clock } = this.#options;
    const { listing, withheld, silenced, pins: known } = await pins.enforce(whole, observation);
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

function pageOf(bodies: Parameters<typeof makePage>[0], { serial }: Source): Page {
  return makePage(bodies).at(serial);
}

function weightOf<P>({ page, listing }: BelievedPage<P>, withheld: number, source: Source): number {
  return page.size + BYTES_PER_PAGE + (listing.files.size + withheld) * BYTES_PER_ENTRY + source.weight;
}
