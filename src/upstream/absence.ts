import type { Caller } from '../async/caller.ts';
import { createFlights, type Flights } from '../async/flight.ts';
import { isPublicIndex } from '../presets/known-upstreams.ts';
import type { UpstreamLimits } from './limits.ts';
import type { Why } from './words.ts';

/** How an index says that it does not have something, besides 404 and 410, which always say so. */
export interface AbsencePolicy {
  /** Of 401 and 403. */
  readonly statuses: readonly number[];
  /** A redirect of a project's page to another index that is not ours. */
  readonly redirectElsewhere: boolean;
  /** A 403 that gives no reason says so: where signatures tell what there is, nothing is lost by it. */
  readonly bareForbidden?: boolean | undefined;
  /**
   * Only what lies below the same one of these speaks for what does not; none: whatever the same origin has. A repository that
   * has shut us out may still answer for what lies beside it.
   */
  readonly within?: readonly string[] | undefined;
  /** URLs of documents that should exist, best first, for when none has answered lately. */
  readonly known?: (() => Promise<readonly string[]>) | undefined;
}

/** An answer that may mean that something is not there, and is neither 404 nor 410. */
export interface Saying {
  /** As it was asked for, before redirects. */
  readonly url: string;
  readonly status: number;
  /** The start of its body, and what it says to people, where that was read. */
  readonly why?: Why | undefined;
  /** Where it sends us, and we may not go. */
  readonly elsewhere?: URL | undefined;
  /** Our credentials were sent. */
  readonly authorized: boolean;
}

/** `unwitnessed`: it would mean absence, but nothing shows that we are let in at all. */
export type Meaning = 'absent' | 'unwitnessed' | 'another';

/** For whoever reads that refusal. */
export const UNWITNESSED =
  'That would mean that there is no such thing, but nothing else of this index is there now, so it may be that all is kept from us. Where it has a project in any case, name it: absent: { known: NAME }.';

/** True where a document is there: asked for once, on a connection of its own. */
export type Exists = (url: string, caller: Caller) => Promise<boolean>;

interface Witness {
  readonly url: string;
  readonly at: number;
}

/** Documents that were there; of those forgotten another is found. */
const MOST_SCOPES = 64;
/** Of one scope: no document speaks for its own absence, and one may be gone. */
const MOST_WITNESSES = 3;

/**
 * Whether "you may not" and "look there" mean "there is none". Never by itself: a repository that shuts us out, a login page or a
 * moved index answers so for everything, and a project that is taken for absent sends installers to another index. So something
 * that should be there is asked for, once, after the first such answer; that it is there is then believed for a minute.
 */
export class Absences {
  readonly #policy: AbsencePolicy;
  readonly #limits: Pick<UpstreamLimits, 'witnessed' | 'unwitnessed'>;
  readonly #exists: Exists;
  /** By scope, newest first. */
  readonly #heard = new Map<string, readonly string[]>();
  /** By scope: what was shown to be there last. */
  readonly #shown = new Map<string, Witness>();
  readonly #silent = new Map<string, number>();
  readonly #flights: Flights<string | undefined> = createFlights();

  constructor(policy: AbsencePolicy, limits: Pick<UpstreamLimits, 'witnessed' | 'unwitnessed'>, exists: Exists) {
    this.#policy = policy;
    this.#limits = limits;
    this.#exists = exists;
  }

  /** Something of the index is there. */
  heard(url: string): void {
    const scope = this.#scopeOf(url);
    if (scope === undefined) return;
    const others = (this.#heard.get(scope) ?? []).filter((witness) => witness !== url);
    if (this.#heard.size >= MOST_SCOPES) this.#heard.clear();
    this.#heard.set(scope, [url, ...others].slice(0, MOST_WITNESSES));
    this.#silent.delete(scope);
  }

  /** `anew`: for a second look, what was shown before does not count. Throws nothing of its own; the caller's signal ends it. */
  async meaning(saying: Saying, caller: Caller, anew = false): Promise<Meaning> {
    if (!this.#mayMean(saying)) return 'another';
    return (await this.isWitnessed(saying.url, caller, anew)) ? 'absent' : 'unwitnessed';
  }

  #mayMean({ url, status, why, elsewhere, authorized }: Saying): boolean {
    const { statuses, redirectElsewhere, bareForbidden = false } = this.#policy;
    if (elsewhere !== undefined)
      return sameProject(url, elsewhere) && (redirectElsewhere || isPublicIndex(elsewhere.href));
    // Credentials that have expired are answered so for everything.
    if (status === 401) return !authorized && statuses.includes(status);
    return status === 403 && (statuses.includes(status) || isObjectStore(why) || (bareForbidden && isBare(why)));
  }

  /** Whether something of the index is there besides this. */
  async isWitnessed(url: string, caller: Caller, anew: boolean): Promise<boolean> {
    const scope = this.#scopeOf(url);
    if (scope === undefined) return false;
    const { witnessed, unwitnessed } = this.#limits;
    const now = performance.now();
    const shown = this.#shown.get(scope);
    if (!anew && shown !== undefined && shown.url !== url && now - shown.at < witnessed) return true;
    if (now - (this.#silent.get(scope) ?? Number.NEGATIVE_INFINITY) < unwitnessed) return false;
    const look = (key: string) => this.#flights.join(key, caller, (shared) => this.#look(scope, url, shared));
    const witness = await look(scope);
    // Nothing speaks for its own absence: who came first may have looked at the very thing.
    return witness === url ? (await look(`${scope} ${url}`)) !== undefined : witness !== undefined;
  }

  /** What is there, besides this. */
  async #look(scope: string, besides: string, caller: Caller): Promise<string | undefined> {
    const known = (await this.#policy.known?.()) ?? [];
    for (const url of new Set([...(this.#heard.get(scope) ?? []), ...known])) {
      if (url === besides || this.#scopeOf(url) !== scope || !(await this.#exists(url, caller))) continue;
      if (this.#shown.size >= MOST_SCOPES) this.#shown.clear();
      this.#shown.set(scope, { url, at: performance.now() });
      this.#silent.delete(scope);
      return url;
    }
    this.#silent.set(scope, performance.now());
    return undefined;
  }

  #scopeOf(url: string): string | undefined {
    const { within } = this.#policy;
    if (within === undefined) return URL.parse(url)?.origin;
    return within.filter((base) => url.startsWith(base)).sort((a, b) => b.length - a.length)[0];
  }
}

/** The redirect names what was asked for, as an index that forwards does; a login page or a portal does not. */
function sameProject(asked: string, to: URL): boolean {
  const name = lastSegment(new URL(asked).pathname);
  return name !== '' && lastSegment(to.pathname) === name;
}

function lastSegment(path: string): string {
  const last = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  return last.toLowerCase().replace(/[-_.]+/g, '-');
}

/** S3 and its like, where listing is not allowed: what is not there may not be read. An expired link says otherwise. */
function isObjectStore({ body }: Why = NOTHING): boolean {
  return /<Error>[\s\S]*<Code>(?:AccessDenied|NoSuchKey)<\/Code>/.test(body) && !/expired/i.test(body);
}

/** The status once more, in the words that servers have for it. */
function isBare({ words }: Why = NOTHING): boolean {
  return words.replace(/403|forbidden|access denied|error|nginx[/\d.]*|\W/gi, '') === '';
}

const NOTHING: Why = { words: '', body: '' };
