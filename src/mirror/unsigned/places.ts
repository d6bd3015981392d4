import type { Caller } from '../../async/caller.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { DocumentAnswer, Upstream } from '../../ports/upstream.ts';
import { HTML, PAGE_ACCEPT } from '../../pypi/media-types.ts';
import { LIMITS } from '../limits.ts';
import { asArrival } from './observation.ts';

export interface How {
  readonly etag?: string | undefined;
  /** On a connection of its own, and whole. */
  readonly fresh: boolean;
  /** Something older can be served meanwhile. */
  readonly held?: boolean | undefined;
}

/** Where upstream has the pages of its projects, and the list of all. Both throw Refusal where upstream does not answer. */
export interface PagePlaces {
  /** Where a page comes from that came from nowhere else. */
  urlOf(project: string): string;
  /** `known`: where the page was that the tag is of. */
  page(project: string, how: How & { readonly known?: string | undefined }, caller: Caller): Promise<DocumentAnswer>;
  /** `most`: bytes, where that is less than a list may have. */
  list(how: How & { readonly most?: number | undefined }, caller: Caller): Promise<DocumentAnswer>;
}

interface SimplePlacesOptions {
  readonly upstream: Pick<Upstream, 'document'>;
  /** Base URLs of the index, best guess first; one where the address tells. */
  readonly bases: readonly [string, ...string[]];
  readonly work: Pick<PageWork, 'compare'>;
  /**
   * Whether something of the index is there besides this page: asked where others answer for what this index does not have, for one that has lost its way
   * says 404 to everything. Absent where nobody does: upstream's 404 is then its word.
   */
  readonly isThere?: ((page: string, caller: Caller, anew: boolean) => Promise<boolean>) | undefined;
  /** The address itself as one page with the files of all projects, where it may be that. */
  readonly flat?: FlatGuess | undefined;
}

/** One page that may have the files of all projects. */
export interface FlatGuess extends PagePlaces {
  /** False where there is no page, or one without files. Throws Refusal where upstream does not say. */
  hasFiles(caller: Caller): Promise<boolean>;
}

/** Why a place is not where the pages are, though something answered there. */
const NOT_HERE: ReadonlySet<Reason> = new Set(['format', 'foreign', 'limit', 'forbidden', 'redirect', 'encoding']);

/**
 * A page a project (PEP 503), below the address that was given. Where that does not tell whether `simple/` is a part of it, the first
 * page that is one does, from then on; where no place has any, the address may be that of one page for all. Absent is what
 * nothing has.
 */
export class SimplePlaces implements PagePlaces {
  readonly #options: SimplePlacesOptions;
  #found: string | undefined;

  constructor(options: SimplePlacesOptions) {
    const [only, ...others] = options.bases;
    this.#options = options;
    if (others.length === 0) this.#found = only;
  }

  urlOf(project: string): string {
    return `${this.#options.bases[0]}${project}/`;
  }

  async page(
    project: string,
    how: How & { readonly known?: string | undefined },
    caller: Caller,
  ): Promise<DocumentAnswer> {
    const answer = await this.#page(project, how, caller);
    const { isThere } = this.#options;
    if (answer.kind !== 'absent' || isThere === undefined) return answer;
    for (const base of this.#bases(how.known))
      if (await isThere(`${base}${project}/`, caller, how.fresh)) return answer;
    throw nothingThere(project);
  }

  async #page(
    project: string,
    how: How & { readonly known?: string | undefined },
    caller: Caller,
  ): Promise<DocumentAnswer> {
    if (this.#found !== undefined) return this.#ask(this.#found, project, how, caller);
    let refusal: Refusal | undefined;
    for (const base of this.#bases(how.known))
      try {
        const answer = await this.#ask(base, project, how, caller);
        if (answer.kind === 'absent') continue;
        if (answer.kind === 'document') await this.#options.work.compare(project, undefined, asArrival(answer), caller);
        this.#found = base;
        return answer;
      } catch (error) {
        if (!(error instanceof Refusal) || !NOT_HERE.has(error.reason)) throw error;
        refusal ??= error;
      }
    if (refusal !== undefined) throw refusal;
    // Never for good: a front page may link to a file or two, and pages lie elsewhere all the same.
    const { flat } = this.#options;
    if (flat === undefined || !(await flat.hasFiles(caller))) return { kind: 'absent' };
    return flat.page(project, how, caller);
  }

  /** Of the first place that has one; in HTML where there is none in JSON. */
  async list(
    { most = LIMITS.list, ...how }: How & { readonly most?: number | undefined },
    caller: Caller,
  ): Promise<DocumentAnswer> {
    const { upstream } = this.#options;
    let refusal: Refusal | undefined;
    for (const url of this.#bases(undefined))
      for (const accept of [PAGE_ACCEPT, HTML])
        try {
          const answer = await upstream.document({ url, accept, limit: most, ...how }, caller);
          if (answer.kind !== 'absent') return answer;
        } catch (error) {
          // A list that is too large is one all the same.
          if (!(error instanceof Refusal) || error.reason === 'limit' || !NOT_HERE.has(error.reason)) throw error;
          refusal ??= error;
        }
    if (refusal?.reason === 'forbidden') throw refusal;
    return { kind: 'absent' };
  }

  #ask(
    base: string,
    project: string,
    { etag, fresh, known, held }: How & { readonly known?: string | undefined },
    caller: Caller,
  ) {
    const url = `${base}${project}/`;
    // A tag means something only where its page was.
    const tag = known === undefined || known.startsWith(base) ? etag : undefined;
    const request = { url, accept: PAGE_ACCEPT, limit: LIMITS.page, etag: tag, fresh, held };
    return this.#options.upstream.document(request, caller);
  }

  /** The longest of those that the page was below comes first. */
  #bases(known: string | undefined): readonly string[] {
    if (this.#found !== undefined) return [this.#found];
    const { bases } = this.#options;
    const last = bases.filter((base) => known?.startsWith(base) === true).sort((a, b) => b.length - a.length)[0];
    return last === undefined ? bases : [last, ...bases.filter((base) => base !== last)];
  }
}

function nothingThere(project: string): Refusal {
  return new Refusal(
    'unreachable',
    `The index says that it has no project ${project}, and nothing else of it is there either, so it may have lost its way, and no other index is asked. Where it has a project in any case, name it: absent: { known: NAME }.`,
    { subject: 'page', transient: true },
  );
}
