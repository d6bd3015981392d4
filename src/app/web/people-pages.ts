import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { PeoplePages } from '../../http/routes/people.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { VERSION } from '../../version.ts';
import { eventsPage } from '../../web/events.ts';
import type { Happening } from '../../web/happenings.ts';
import { healthPage } from '../../web/health.ts';
import { heldBackPage } from '../../web/held.ts';
import { homePage } from '../../web/home.ts';
import { policyPage } from '../../web/policy.ts';
import { missingPage, projectPage } from '../../web/project.ts';
import { searchPage } from '../../web/search.ts';
import { whyPage } from '../../web/why.ts';
import type { Composition } from '../compose.ts';
import type { WholeHealth } from '../health/health.ts';
import { activityView } from './activity-view.ts';
import { answeringViews } from './address-views.ts';
import { healthView } from './health-view.ts';
import { Names } from './names.ts';
import { Overview, type OverviewParts } from './overview.ts';
import { PolicyOverview } from './policy-views.ts';
import { projectView } from './project-views.ts';
import { sentView } from './sent-view.ts';
import { whyView } from './why-views.ts';
import { changeHappening, refusalHappening } from './words.ts';

/** Events of one page, and lines of the journal that are looked at for them. */
const EVENTS_A_PAGE = 20;
const CHANGES_LOOKED_AT = 1000;
const LAST_WEEK = { steps: 28, hours: 6 };
/** Characters of a name that is looked for. */
const MOST_QUERY = 100;

interface PeoplePagesOptions {
  readonly composition: OverviewParts &
    Pick<Composition, 'states' | 'fetched' | 'advisories' | 'requests' | 'tallies' | 'policyFiles'>;
  readonly config: Pick<Config, 'indexes' | 'advisories' | 'addresses'>;
  /** The name of the index that also lies at the root. */
  readonly defaultIndex: string;
  readonly startedAt: Instant;
  /** The first page says what it does. */
  readonly health: Pick<WholeHealth, 'look' | 'verdict'>;
  /** Users who see who was sent which file; nobody where it is left out. */
  readonly auditors?: readonly string[] | undefined;
  /** What clients call this mirror. */
  readonly address: () => string | undefined;
}

/** Pages for people, of what a running mirror knows. */
export function createPeoplePages({ composition, ...options }: PeoplePagesOptions): PeoplePages {
  const { indexes, states, clock } = composition;
  const { health, config } = options;
  const { addresses = {} } = config;
  const parts = { ...composition, config };
  const overview = new Overview({ ...composition, ...options, addresses, look: () => health.look() });
  const policies = new PolicyOverview(parts);
  const names = new Map(indexes.map((index) => [index.name, new Names(index, states.get(index.name))]));
  const placeOf = (root: string, index: string | undefined) => ({
    root,
    index: index === options.defaultIndex ? undefined : index,
  });
  const auditors = new Set((options.auditors ?? []).map((name) => `user ${name}`));
  const made = () => ({ now: clock.now(), version: VERSION });
  return {
    overview: async (root, index) =>
      homePage(await overview.view(), { ...placeOf(root, index), at: 'overview' }, index),
    async project({ root, index, project, page, reader }, caller) {
      const view = await projectView(parts, indexOf(indexes, index), { project, page }, caller);
      const holds = (member: string) => indexOf(indexes, member).holds(project, { ...caller, index: member });
      const place = placeOf(root, index);
      if (view === undefined) return missingPage({ ...made(), index, project }, place);
      const sent = auditors.has(reader ?? '') ? await sentView(composition.fetched, { index, project }) : undefined;
      const answering = await answeringViews(addresses, { name: index }, project, holds);
      return projectPage({ ...view, answering, ...(sent !== undefined && { sent }) }, place);
    },
    async why({ root, index, name }, caller) {
      const view = await whyView(parts, indexOf(indexes, index), name, caller);
      const place = placeOf(root, index);
      return 'heldBack' in view ? heldBackPage(view, place) : whyPage(view, place);
    },
    async events({ root, index, page }) {
      const all = await happenings(composition, index);
      const pages = Math.max(1, Math.ceil(all.length / EVENTS_A_PAGE));
      const at = Math.min(Math.max(1, page), pages);
      const events = all.slice((at - 1) * EVENTS_A_PAGE, at * EVENTS_A_PAGE);
      const hours = await composition.traffic.hours(index).catch(() => []);
      const activity = activityView(hours, clock.now(), LAST_WEEK);
      return eventsPage(
        { ...made(), index, events, page: at, pages, activity },
        { ...placeOf(root, index), at: 'events' },
      );
    },
    async search({ root, index, query: asked }) {
      const query = asked.slice(0, MOST_QUERY);
      // As names are normalized (PEP 503); what is no part of one is found nowhere.
      const part = query
        .trim()
        .toLowerCase()
        .replace(/[-_.]+/g, '-');
      const found = await names.get(index)?.find(/^[a-z0-9-]*$/.test(part) ? part : '');
      const { reading = false, listed = 0, held = 0, found: projects = [], more = false } = found ?? {};
      return searchPage(
        { ...made(), index, query, reading, known: { listed, held }, found: projects, more },
        { ...placeOf(root, index), at: 'search' },
      );
    },
    policy: async ({ root, index }) => policyPage(await policies.view(index), placeOf(root, index)),
    async health(root) {
      const [{ json }, look] = [await health.verdict(), await health.look()];
      return healthPage(healthView(look, { ...made(), startedAt: options.startedAt }), json, { root });
    },
  };
}

export function indexOf<I extends Pick<PackageIndex, 'name'>>(indexes: readonly I[], name: string): I {
  const found = indexes.find((index) => index.name === name);
  if (found === undefined) throw new Refusal('unlisted', `There is no index called ${name}.`, { subject: 'request' });
  return found;
}

/** What was refused and what upstream changed, newest first; of one index, or of all. */
async function happenings(
  { news, journal }: Pick<Composition, 'news' | 'journal'>,
  index: string | undefined,
): Promise<readonly Happening[]> {
  const refused = await news.latest();
  const changes = await journal.latest(CHANGES_LOOKED_AT, { index });
  const all = [...refused.map(refusalHappening), ...changes.map(changeHappening)];
  return all.filter((each) => index === undefined || each.index === index).sort((one, other) => other.at - one.at);
}
