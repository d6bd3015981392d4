import type { Caller } from '../../async/caller.ts';
import { counted } from '../../bytes/counted.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { DocumentAnswer, Upstream } from '../../ports/upstream.ts';
import { decodeList, decodePage, formOf } from '../../pypi/decode.ts';
import { baseOf, resolveLink } from '../../pypi/links.ts';
import type { ProjectPage } from '../../pypi/project-page.ts';
import { LIMITS } from '../limits.ts';
import type { Reports } from '../projects/reports.ts';
import type { Hearing } from './hearing.ts';
import type { PagePlaces } from './places.ts';

interface IntroductionOptions {
  readonly upstreamUrl: string;
  readonly upstream: Pick<Upstream, 'mayFetch'>;
  readonly places: PagePlaces;
  readonly hearing: Pick<Hearing, 'heard' | 'failed'>;
  /** Projects that were seen before, one or two. */
  readonly seen: () => Promise<readonly string[]>;
  /** False where the list of all projects is not to be fetched. */
  readonly projectList: boolean;
  readonly reports: Reports;
}

type Detail = Record<string, string | number>;

/**
 * Asks upstream once what it is like, and notes that: an operator sees at the start what would else be found out one page at a
 * time. Where there was nothing to look at then, the first page that comes is told of.
 */
export class Introduction implements PagePlaces {
  readonly #options: IntroductionOptions;
  /** What is known besides the page that is waited for. */
  #due: Detail | undefined;
  #isAsking = false;
  /** Why it did not answer when it was asked last. */
  #failure: string | undefined;
  /** A page that somebody was quicker to ask for. */
  #early: { readonly project: string; readonly answer: Arrival } | undefined;

  constructor(options: IntroductionOptions) {
    this.#options = options;
  }

  async atStart(caller: Caller): Promise<void> {
    this.#isAsking = true;
    await this.#ask(caller);
    this.#isAsking = false;
    this.#early = undefined;
  }

  async #ask(caller: Caller): Promise<void> {
    const { upstreamUrl: upstream, places, seen, hearing } = this.#options;
    try {
      const list = await listOf(this.#options, caller);
      if (list.isIndex) hearing.heard();
      const [project] = [...(await seen()), ...list.names];
      const detail: Detail = { upstream, list: list.said };
      if (project === undefined) return this.#later(nothingSeen(places, list.said), detail, detail);
      const answer = await places.page(project, { fresh: false }, caller);
      if (answer.kind === 'document') return this.#tell(project, answer, detail);
      this.#later(
        `upstream has no page of ${project}, which it lists; where it is one page with the files of all projects, say --kind flat`,
        detail,
        detail,
      );
    } catch (error) {
      if (caller.signal.aborted) return;
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { upstreamUrl: upstream, reports, hearing } = this.#options;
    hearing.failed(error);
    reports.refused({ subject: 'page', name: upstream }, error);
    const reason = error instanceof Refusal ? { reason: error.reason } : {};
    const isNews = this.#failure !== String(error);
    this.#failure = String(error);
    const message =
      'upstream does not answer as a package index; it is asked again now and then, and with the first request';
    if (isNews) this.#later(message, { upstream, ...reason }, { upstream });
  }

  urlOf(project: string): string {
    return this.#options.places.urlOf(project);
  }

  list(...asked: Parameters<PagePlaces['list']>): Promise<DocumentAnswer> {
    return this.#options.places.list(...asked);
  }

  async page(...asked: Parameters<PagePlaces['page']>): Promise<DocumentAnswer> {
    const [project] = asked;
    const answer = await this.#options.places.page(...asked);
    if (answer.kind === 'document' && answer.bytes.byteLength <= LIMITS.pageAtStart) {
      if (this.#due !== undefined) this.#tellIfReadable(project, answer, this.#due);
      else if (this.#isAsking) this.#early ??= { project, answer };
    }
    return answer;
  }

  /** Nothing was seen yet; `rest` goes with what is told then. */
  #later(message: string, detail: Detail, rest: Detail): void {
    this.#options.reports.noted(message, detail);
    this.#due = rest;
    if (this.#early !== undefined) this.#tellIfReadable(this.#early.project, this.#early.answer, rest);
  }

  /** What is wrong with it is for whoever asked for it to tell. */
  #tellIfReadable(project: string, answer: Arrival, rest: Detail): void {
    try {
      this.#tell(project, answer, rest);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #tell(project: string, answer: Arrival, rest: Detail): void {
    const { upstream, reports, hearing } = this.#options;
    const page = decodePage(answer.bytes, project);
    hearing.heard();
    const hosts = hostsOf(page, answer.url);
    const strange = [...hosts].filter(([, url]) => !upstream.mayFetch(url)).map(([host]) => host);
    reports.noted('upstream answers as a package index', {
      ...rest,
      at: folderOf(answer.url, project),
      form: formOf(answer.bytes),
      api: page.apiVersion,
      ...traitsOf(page),
      file_hosts: [...hosts.keys()].join(' '),
      ...(strange.length > 0 && { hosts_not_allowed: strange.join(' ') }),
    });
    this.#due = undefined;
  }
}

type Arrival = Extract<DocumentAnswer, { readonly kind: 'document' }>;

interface ListSeen {
  readonly said: string;
  readonly names: readonly string[];
  /** Whether only a package index says such a thing: any page with links reads as a list of projects in HTML. */
  readonly isIndex: boolean;
}

async function listOf({ places, projectList }: IntroductionOptions, caller: Caller): Promise<ListSeen> {
  const nothing = { names: [], isIndex: false };
  if (!projectList) return { said: 'not asked for (project_list: false)', ...nothing };
  try {
    const answer = await places.list({ fresh: false, most: LIMITS.listAtStart }, caller);
    if (answer.kind !== 'document') return { said: 'none', ...nothing };
    const names = decodeList(answer.bytes);
    return { said: counted(names.length, 'project'), names, isIndex: formOf(answer.bytes) === 'json' };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.reason === 'limit') return { said: 'large', names: [], isIndex: true };
    if (error.reason === 'format') return { said: 'none that can be read', ...nothing };
    throw error;
  }
}

function nothingSeen(places: PagePlaces, list: string): string {
  const why = list === 'none' ? 'upstream has no list of projects' : 'no list of projects was read';
  return `${why}, so what upstream is like is told with the first page; its pages are looked for at ${places.urlOf('NAME')} (if that is wrong: --upstream, --kind)`;
}

/** Where pages lie; of an index that is one page, that page. */
function folderOf(pageUrl: string, project: string): string {
  const own = `/${project}/`;
  return pageUrl.endsWith(own) ? pageUrl.slice(0, 1 - own.length) : pageUrl;
}

/** By host: one of its links. */
function hostsOf(page: ProjectPage, pageUrl: string): ReadonlyMap<string, string> {
  const base = baseOf(pageUrl, page.base);
  const hosts = new Map<string, string>();
  for (const { url } of page.files) {
    const link = resolveLink(url, base);
    if (link !== undefined) hosts.set(new URL(link.url).host, link.url);
  }
  return hosts;
}

/** What its files state, as far as this page tells. */
function traitsOf({ files }: ProjectPage): Detail {
  const share = (count: number) =>
    count === 0 ? 'none' : count === files.length ? 'all' : `${count} of ${files.length}`;
  const stated = files.filter(({ coreMetadata }) => coreMetadata !== undefined);
  const unnamed = stated.filter(({ coreMetadata }) => coreMetadata === 'announced').length;
  return {
    digests: share(files.filter(({ digests }) => digests.size > 0).length),
    upload_times: share(files.filter(({ uploadTime }) => uploadTime !== undefined).length),
    core_metadata: `${share(stated.length)}${unnamed === 0 ? '' : `, ${unnamed} without a digest, which are not passed on`}`,
  };
}
