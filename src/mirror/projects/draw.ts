import type { Caller } from '../../async/caller.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import { mustBe } from '../../bytes/proof.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Digestless, Enforced, PageWork } from '../../ports/page-work.ts';
import type { PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import { emptied, type JudgedPage, type Listing, without } from '../../pypi/listing.ts';
import type { KnownFile, Undigested } from '../../pypi/relink.ts';
import { makePage, type Page } from '../../render/page.ts';
import { Believed, type Source } from '../believed.ts';
import type { Evidence } from '../evidence.ts';
import { sumsOf, type ToldRules } from '../policy/told-rules.ts';
import type { SeenQuarantines } from '../seen-quarantines.ts';
import { type BelievedPage, makeBelievedPage } from './believed-page.ts';
import type { Drawer, Drawing } from './drawing.ts';
import type { DrawnBodies } from './drawn-bodies.ts';
import { type DrawnNote, noteText, readJudged, readNote } from './drawn-note.ts';
import type { HeldFiles } from './held-files.ts';
import { type PageTallies, tallyOf } from './left-out.ts';
import type { ProjectPins } from './pins.ts';
import { pinsLetting } from './pins-letting.ts';
import { placesOf, type StrangeHosts } from './strange-hosts.ts';

/** A project page as it is served, and all that it was drawn from where that is at hand. */
export interface PageView<P> {
  readonly page: Page;
  readonly whole: BelievedPage<P> | undefined;
}

type PageDrawing<P> = Drawing<P, PageView<P>>;

export interface PageDrawerOptions<P> {
  readonly evidence: Pick<Evidence<P>, 'kind' | 'digests'>;
  readonly work: PageWork;
  readonly pins: ProjectPins;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly tallies: PageTallies;
  readonly told?: ToldRules | undefined;
  /** What becomes of files that nobody states a digest of; of an index that signs, they are withheld. */
  readonly undigested: 'first-sight' | 'withhold';
  /** What was seen of files is pinned. */
  readonly remembers: boolean;
  readonly drawn?: DrawnBodies | undefined;
  readonly strangeHosts: StrangeHosts;
  readonly linkBase?: string | undefined;
  /** Of a mirror that asks no upstream: what becomes of files that are not held. */
  readonly heldFiles?: HeldFiles | undefined;
  readonly quarantines?: Pick<SeenQuarantines, 'see'> | undefined;
}

/** Seconds after which a page that lacks something is drawn again: an operator may have let it through, or brought it, meanwhile. */
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
  /** Files that were judged. */
  readonly all: number;
}

/** Decodes, asks the evidence for missing digests, enforces pins and policy, and renders. */
export class PageDrawer<P> implements Drawer<P, PageView<P>> {
  readonly #options: PageDrawerOptions<P>;

  /** When a page that was drawn before a file of it was pinned is drawn again. */
  readonly #due = new BoundedMap<Instant>({ entries: MOST_DUE });

  constructor(options: PageDrawerOptions<P>) {
    this.#options = options;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<PageDrawing<P>> {
    const { evidence, work, tallies, strangeHosts } = this.#options;
    mustBe<Believed<unknown>>(Believed, believed);
    // Pins may give way to a page that was repeated: the page is there before them.
    if (believed.observation.repeated) await believed.unsaved?.save();
    const bytes = await source.read(caller);
    // What is pinned from now on is for the drawing after this one.
    this.#due.delete(believed.name);
    await this.#options.policy.recall?.(believed.name);
    const version = this.#rules(believed.name);
    let proved = believed;
    let isPageAlone = true;
    let judged: Judged | undefined;
    const drawn = await work.drawPage(
      { project: believed.name, bytes, pageUrl: source.url, linkBase: this.#options.linkBase },
      {
        undigested: async (files) => {
          isPageAlone = false;
          const digests = await evidence.digests(believed, files.names, caller);
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
    // Where signatures vouch for files they also say where those lie.
    const places = evidence.kind === 'index' ? placesOf(drawn.listing.files.values()) : [];
    this.#options.told?.put(believed.name, sumsOf(verdict.told, believed.name, judged.all));
    const { leftOut, ...tally } = tallyOf(drawn, strangeHosts.look(believed.name, places));
    tallies.put(believed.name, { leftOut, ...tally });
    // Nothing else that is made of the listing may offer what the page does not.
    const listing = hidden === true ? emptied(drawn.listing) : drawn.listing;
    const page = makePage(drawn.bodies).at(source.serial);
    const whole = makeBelievedPage({ believed: proved, page, listing, withheld, verdict });
    const drawing: PageDrawing<P> = {
      believed: proved,
      view: { page, whole },
      settled: complete && proved === believed,
      until: this.#until(verdict, complete),
      policy: version,
      pins: complete ? await this.#options.pins.identityAllowing(drawn.listing, believed.observation) : undefined,
      weight: weightOf(whole, withheld.size, source),
    };
    if (isPageAlone && withheld.size === 0 && verdict.times === undefined)
      this.#keep(drawing, source, drawn.listing, { hidden: hidden === true, leftOut, places });
    return drawing;
  }

  async restore(believed: Believed<P>, source: Source): Promise<PageDrawing<P> | undefined> {
    const { drawn, tallies, strangeHosts, heldFiles, quarantines } = this.#options;
    // What is held is no part of what a page is found again by.
    if (drawn === undefined || heldFiles !== undefined) return undefined;
    mustBe<Believed<unknown>>(Believed, believed);
    await this.#options.policy.recall?.(believed.name);
    const version = this.#rules(believed.name);
    const found = await drawn.find(believed, source, version);
    if (found === undefined) return undefined;
    const note = readNote(found.note);
    const pins = await pinsLetting(this.#options, believed, note, () => readJudged(believed.name, found.note));
    if (pins === undefined) return undefined;
    this.#due.delete(believed.name);
    await believed.unsaved?.save();
    const { leftOut, places } = note;
    const status = note.hidden ? readJudged(believed.name, found.note)?.projectStatus?.status : undefined;
    if (status === 'quarantined') await quarantines?.see(believed.name);
    tallies.put(believed.name, {
      leftOut,
      firstSight: 0,
      byManifest: 0,
      outOfReach: strangeHosts.look(believed.name, places),
    });
    const page = found.page.at(source.serial);
    const view = { page, whole: undefined };
    return { believed, view, settled: true, until: undefined, policy: version, pins, weight: leanWeight(page, source) };
  }

  isWhole({ view }: PageDrawing<P>): boolean {
    return view.whole !== undefined;
  }

  lean(drawing: PageDrawing<P>): PageDrawing<P> {
    const { source } = drawing.believed;
    const page = drawing.view.page.lean();
    return { ...drawing, view: { page, whole: undefined }, weight: leanWeight(page, source) };
  }

  under(drawing: PageDrawing<P>, believed: Believed<P>): PageDrawing<P> {
    const { page, whole } = drawing.view;
    const { source } = believed;
    if (source?.sha256 !== drawing.believed.source?.sha256) throw new TypeError('The belief is of other bytes.');
    const next = whole?.under(believed);
    return { ...drawing, believed, view: { page: next?.page ?? page.at(source?.serial), whole: next } };
  }

  async again(drawing: PageDrawing<P>, believed: Believed<P>): Promise<PageDrawing<P> | undefined> {
    const { pins } = this.#options;
    const { whole } = drawing.view;
    const { observation } = believed;
    pins.looked(believed.name, observation);
    if (!drawing.settled || this.isDue(drawing)) return undefined;
    if (whole === undefined) {
      // The same pins: nothing was proved since, and nothing is left to confirm.
      const isSame = drawing.pins === (await pins.identity(believed.name, observation));
      return isSame ? this.under(drawing, believed) : undefined;
    }
    // An operator may have taken back or replaced pins meanwhile.
    if (!(await pins.allow(whole.listing))) return undefined;
    // A file may have been proved since the page came for the second time.
    if (observation.repeated) await pins.confirm(whole.listing, observation);
    return this.under(drawing, believed);
  }

  isDue(drawing: PageDrawing<P>): boolean {
    const { until, believed } = drawing;
    const now = this.#options.clock.now();
    const due = this.#due.get(believed.name) ?? Number.POSITIVE_INFINITY;
    return this.isOutdated(drawing) || due <= now || (until !== undefined && until <= now);
  }

  /** A file of the page was pinned at first sight: its digest is for the next drawing, which other files may join. */
  seen(project: string): void {
    if (this.#due.get(project) === undefined) this.#due.set(project, this.#options.clock.now() + GATHERED_FOR);
  }

  isOutdated({ policy, believed }: PageDrawing<P>): boolean {
    return policy !== this.#rules(believed.name);
  }

  /** All that decides, besides pins, what of a page is drawn. */
  #rules(project: string): string {
    const { policy, heldFiles } = this.#options;
    const version = policy.version(project);
    return heldFiles === undefined ? version : `${version}, ${heldFiles.version}`;
  }

  async gone({ name, observation }: Believed<P>): Promise<void> {
    const { tallies, pins } = this.#options;
    tallies.put(name, undefined);
    await pins.gone(name, observation);
  }

  /**
   * What has no digest on the page has that of its evidence, or else of its pin. Whatever has none is believed at first sight where the operator lets
   * it, unless the page states no digest of anything, and its project once did: what was taken away is not made good so.
   */
  async #undigested(project: string, stated: Undigested['known'], { digested }: Digestless): Promise<Undigested> {
    const { evidence, pins, undigested } = this.#options;
    if (evidence.kind === 'tuf' || !this.#options.remembers) return { known: stated, others: 'no-digest' };
    const known = new Map<string, KnownFile>();
    let hadDigests = false;
    for (const [filename, { digests, firstSight }] of await pins.of(project)) {
      if (firstSight !== true) hadDigests = true;
      if (firstSight !== true) known.set(filename, { digests });
      else if (undigested === 'first-sight') known.set(filename, { digests, firstSight });
    }
    for (const [filename, file] of stated) known.set(filename, file);
    if (digested === 0 && hadDigests) return { known, others: 'lost-digest' };
    return { known, others: undigested === 'first-sight' ? 'first-sight' : 'no-digest' };
  }

  /** What depends on nothing that its key does not name is found again. */
  #keep(drawing: PageDrawing<P>, source: Source, judged: JudgedPage, note: Omit<DrawnNote, 'pins'>): void {
    const { believed, view, settled, until, policy, pins } = drawing;
    if (!settled || until !== undefined || pins === undefined || policy !== this.#rules(believed.name)) return;
    if (this.#options.heldFiles !== undefined) return;
    this.#options.drawn?.put(believed, source, policy, view.page, () => noteText({ ...note, pins }, judged));
  }

  /** Pins first: a verdict is on what they leave. */
  async #enforce(whole: Listing, { observation, unsaved }: Believed<P>): Promise<Judged> {
    const { pins, policy, clock, heldFiles, quarantines } = this.#options;
    if (whole.projectStatus?.status === 'quarantined') await quarantines?.see(whole.name);
    const { listing, withheld, silenced, pins: known } = await pins.enforce(whole, observation, unsaved);
    const verdict = policy.page(listing, known, clock.now());
    policy.looked?.(listing);
    const hidden = verdict.others.action === 'hide';
    const refused = new Map(withheld);
    for (const [filename, judged] of verdict.files)
      if (judged.action === 'hide') refused.set(filename, judged.refusal(filename));
    const allowed = without(listing, { withheld: refused, silenced: new Map() });
    const missing = await heldFiles?.of(allowed);
    for (const [filename, refusal] of missing?.withheld ?? []) refused.set(filename, refusal);
    const unheld = missing?.marked;
    const left =
      missing === undefined ? allowed : without(allowed, { withheld: missing.withheld, silenced: new Map(), unheld });
    const held = missing === undefined || missing.withheld.size + missing.marked.size === 0;
    const complete = withheld.size === 0 && silenced.size === 0 && held;
    const told = { verdict, times: verdict.times, all: listing.files.size };
    return { listing: left, withheld: refused, silenced, hidden, unheld, complete, ...told };
  }

  #until({ files, others }: PageVerdict, complete: boolean): Instant | undefined {
    const times = [others, ...files.values()].map(({ until }: Verdict) => until).filter((until) => until !== undefined);
    if (!complete) times.push(this.#options.clock.now() + WITHHELD_FOR);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

function leanWeight(page: Page, source: Source | undefined): number {
  return page.size + BYTES_PER_PAGE + (source?.weight ?? 0);
}

function weightOf<P>({ page, listing }: BelievedPage<P>, withheld: number, source: Source): number {
  const { files, leftOut } = listing;
  const named = leftOut.lines.length * BYTES_PER_LINE;
  return page.size + BYTES_PER_PAGE + (files.size + withheld) * BYTES_PER_ENTRY + named + source.weight;
}
