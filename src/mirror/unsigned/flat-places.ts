import type { Caller } from '../../async/caller.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { DocumentAnswer, Upstream } from '../../ports/upstream.ts';
import { splitFlatPage } from '../../pypi/flat.ts';
import { HTML } from '../../pypi/media-types.ts';
import { LIMITS } from '../limits.ts';
import type { FlatGuess, How } from './places.ts';

interface FlatPlacesOptions {
  readonly upstream: Pick<Upstream, 'document'>;
  /** Of the page that has the files of all projects. */
  readonly url: string;
}

const NO_PAGE: ReadonlySet<Reason> = new Set([
  'unreachable',
  'forbidden',
  'format',
  'limit',
  'redirect',
  'encoding',
  'truncated',
]);

type Arrival = Extract<DocumentAnswer, { readonly kind: 'document' }>;

interface Kept {
  readonly arrival: Arrival;
  readonly projects: ReadonlyMap<string, Uint8Array>;
}

/** Pages of projects cut out of the one page there is; asked for with its tag, and cut again only where it has changed. */
export class FlatPlaces implements FlatGuess {
  readonly #options: FlatPlacesOptions;
  #kept: Kept | undefined;

  constructor(options: FlatPlacesOptions) {
    this.#options = options;
  }

  urlOf(): string {
    return this.#options.url;
  }

  async page(project: string, { fresh }: How, caller: Caller): Promise<DocumentAnswer> {
    const { arrival, projects } = await this.#current(fresh, caller);
    const bytes = projects.get(project);
    // The tag is the whole page's: it says nothing of a part.
    return bytes === undefined ? { kind: 'absent' } : { ...arrival, bytes, etag: undefined };
  }

  async list({ fresh }: How, caller: Caller): Promise<DocumentAnswer> {
    const { arrival, projects } = await this.#current(fresh, caller);
    const listed = [...projects.keys()].map((name) => ({ name }));
    const bytes = Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, projects: listed }));
    return { ...arrival, bytes, contentType: 'application/vnd.pypi.simple.v1+json', etag: undefined };
  }

  async hasFiles(caller: Caller): Promise<boolean> {
    try {
      return (await this.#current(false, caller)).projects.size > 0;
    } catch (error) {
      // What answers there is no page of files.
      if (error instanceof Refusal && NO_PAGE.has(error.reason) && !error.transient) return false;
      throw error;
    }
  }

  /** Throws `unreachable` where the page is gone: that says nothing of any project. */
  async #current(fresh: boolean, caller: Caller): Promise<Kept> {
    const { upstream, url } = this.#options;
    const before = this.#kept;
    const etag = fresh ? undefined : before?.arrival.etag;
    const answer = await upstream.document({ url, accept: HTML, limit: LIMITS.flatPage, etag, fresh }, caller);
    if (answer.kind === 'unchanged' && before !== undefined) return before;
    if (answer.kind !== 'document')
      throw new Refusal('unreachable', `There is no page at ${url}, where the files of all projects should be.`, {
        subject: 'page',
      });
    const kept = { arrival: answer, projects: splitFlatPage(answer.bytes, answer.url) };
    this.#kept = kept;
    return kept;
  }
}
