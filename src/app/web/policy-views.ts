import { internalCaller } from '../../async/caller.ts';
import { within } from '../../async/timeout.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { sumsOf } from '../../mirror/policy/told-rules.ts';
import { VERSION } from '../../version.ts';
import type { FeedView, HeldBackNow, IndexPolicyView, PolicyView, RequestView } from '../../web/policy.ts';
import type { Composition } from '../compose.ts';
import { askedIn } from '../policy/asked.ts';
import { rulesInForce } from '../policy/in-force.ts';

/** Lines of each list; a page is not longer than somebody reads. */
const MOST_EXCEPTIONS = 10;
const MOST_HELD = 15;
const MOST_REQUESTS = 10;
/** Refused requests that are held against answers: what most clients asked for. */
const MOST_JUDGED = 500;
/** Projects that are looked at for what is held back of them. */
const MOST_LOOKED_AT = 40;
/** However many look, it is made so often. Milliseconds. */
const MADE_EVERY_MS = 10_000;
/** Not longer than a person waits. Milliseconds. */
const LOOKING_MS = 3000;

export interface PolicyParts
  extends Pick<Composition, 'indexes' | 'states' | 'clock' | 'advisories' | 'requests' | 'tallies' | 'policyFiles'> {
  readonly config: Pick<Config, 'indexes' | 'advisories'>;
}

/** What rules are in force and what they do now, of all indexes. Upstream is asked by nobody's look. */
export class PolicyOverview {
  readonly #parts: PolicyParts;
  #made: { readonly at: number; readonly view: Promise<PolicyView> } | undefined;

  constructor(parts: PolicyParts) {
    this.#parts = parts;
  }

  /** As of ten seconds ago at most; of one index, or of all. Throws Refusal where what was asked for cannot be read. */
  async view(index: string | undefined): Promise<PolicyView> {
    const at = performance.now();
    if (this.#made === undefined || at - this.#made.at > MADE_EVERY_MS) {
      const made = { at, view: this.#make() };
      this.#made = made;
      // What failed says nothing of the next look.
      made.view.catch(() => {
        if (this.#made === made) this.#made = undefined;
      });
    }
    const whole = await this.#made.view;
    const isMeant = (name: string) => index === undefined || index === name;
    const requests = whole.requests.filter((each) => isMeant(each.index));
    return {
      ...whole,
      index,
      indexes: whole.indexes.filter(({ name }) => isMeant(name)),
      requests: requests.slice(0, MOST_REQUESTS),
      requestCount: requests.length,
    };
  }

  async #make(): Promise<PolicyView> {
    const { indexes, clock } = this.#parts;
    const now = clock.now();
    const requests = await this.#requests(now);
    return {
      now,
      version: VERSION,
      index: undefined,
      indexes: await Promise.all(indexes.map((index) => this.#index(index, now))),
      feed: this.#feed(now),
      requests,
      requestCount: requests.length,
    };
  }

  async #index(index: PackageIndex, now: Instant): Promise<IndexPolicyView> {
    const { config, tallies, policyFiles } = this.#parts;
    const { name } = index;
    const given = config.indexes[name];
    const settings = given && policyFiles.current(given);
    const { leftOut, quarantined } = await index.tally();
    // A hint for people; what cannot be read is not told.
    const byProject = await tallies.load(name).catch(() => new Map());
    const projects = [...byProject].flatMap(([project, tally]) => (tally.leftOut.has('policy') ? [project] : []));
    const looking = heldIn(index, projects.toSorted().slice(0, MOST_LOOKED_AT));
    const held = await within<readonly HeldBackNow[]>(LOOKING_MS, looking, []);
    const exceptions = settings?.policy?.exceptions ?? [];
    return {
      name,
      rules: settings === undefined ? [] : rulesInForce(config, settings),
      exceptions: exceptions.slice(0, MOST_EXCEPTIONS).map(({ project, file, rule, reason, until }) => ({
        project,
        file,
        rule,
        reason,
        until,
        ended: until !== undefined && until <= now,
      })),
      exceptionCount: exceptions.length,
      heldBack: leftOut.get('policy') ?? 0,
      held: held.slice(0, MOST_HELD),
      looked: { projects: Math.min(projects.length, MOST_LOOKED_AT), of: projects.length },
      quarantined,
    };
  }

  #feed(now: Instant): FeedView | 'none' | undefined {
    const { config, advisories } = this.#parts;
    if (config.advisories === undefined) return undefined;
    const { totals, trouble } = advisories?.standing ?? {};
    if (totals === undefined) return 'none';
    const { records, malware, unreadable, newest } = totals;
    const old = now - (newest ?? 0) > config.advisories.maxAge;
    return { records, malware, unreadable, newest, old, failing: trouble !== undefined };
  }

  async #requests(now: Instant): Promise<readonly RequestView[]> {
    const { requests, states, config } = this.#parts;
    const read = async (index: string, project: string) =>
      (await states.get(index)?.answers(project).read())?.value ?? [];
    const answers = new Map<string, ReturnType<typeof read>>();
    const answersTo = (index: string, project: string) => {
      const key = JSON.stringify([index, project]);
      const found = answers.get(key) ?? read(index, project);
      answers.set(key, found);
      return found;
    };
    const { sums } = await requests.sums();
    const wanted = sums.filter(({ index }) => config.indexes[index] !== undefined);
    const most = wanted.toSorted((one, other) => other.clients.size - one.clients.size).slice(0, MOST_JUDGED);
    const asked = await askedIn(most, answersTo, now);
    return asked.flatMap(({ state, sentence, ...each }) => {
      const { index, project, version, files, rule, count, clients, last, until } = each;
      if (state !== 'open') return [];
      return [{ index, project, version, files: files.slice(0, 2), rule, says: sentence, count, clients, last, until }];
    });
  }
}

/** By rule, of projects of which something is off the page: what is held is looked at, one after another. */
async function heldIn(index: PackageIndex, projects: readonly string[]): Promise<readonly HeldBackNow[]> {
  const held: HeldBackNow[] = [];
  const caller = internalCaller(index.name, 'pages');
  for (const project of projects) {
    const page = (await index.known(project, caller).catch(() => undefined))?.page;
    if (page === undefined) continue;
    for (const { rule, action, files, until } of sumsOf(page.told(), project, page.listing.files.size))
      if (action !== 'report') held.push({ project, rule, action, files, until });
  }
  return held;
}
