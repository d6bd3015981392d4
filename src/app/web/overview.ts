import type { Instant } from '../../bytes/instant.ts';
import { clean } from '../../bytes/printable.ts';
import type { IndexStatus } from '../../mirror/package-index.ts';
import { leftOutSays } from '../../ports/left-out.ts';
import { VERSION } from '../../version.ts';
import type { HomeFacts, IndexView } from '../../web/home.ts';
import type { RoleView } from '../../web/trust.ts';
import type { Composition } from '../compose.ts';
import type { WholeHealth } from '../health/health.ts';
import { activityView } from './activity-view.ts';
import { type Addresses, addressViews } from './address-views.ts';
import { changeHappening, refusalHappening } from './words.ts';

/** Lines of the first page; all of them are on the page of events. */
const MOST_SHOWN = 5;
/** However many look, it is made so often. Milliseconds. */
const MADE_EVERY_MS = 2000;
const DAY = 86_400;
const LAST_DAY = { steps: 24, hours: 1 };

export type OverviewParts = Pick<Composition, 'indexes' | 'blobs' | 'journal' | 'news' | 'clock' | 'traffic'>;

interface OverviewOptions extends OverviewParts {
  readonly defaultIndex: string;
  readonly addresses: Addresses;
  readonly startedAt: Instant;
  readonly look: WholeHealth['look'];
  readonly address: () => string | undefined;
}

/** How all of it stands, in facts and one sentence. */
export class Overview {
  readonly #options: OverviewOptions;
  #made: { readonly at: number; readonly view: Promise<HomeFacts> } | undefined;

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  /** As of two seconds ago at most. */
  view(): Promise<HomeFacts> {
    const at = performance.now();
    if (this.#made === undefined || at - this.#made.at > MADE_EVERY_MS) this.#made = { at, view: this.#make() };
    return this.#made.view;
  }

  async #make(): Promise<HomeFacts> {
    const { journal, news, blobs, startedAt, address } = this.#options;
    const { facts, verdict } = await this.#options.look();
    const { now, judged, indexes: statuses } = facts;
    // What cannot be read is told by the log and by conditions; the rest is shown all the same.
    const refusals = await news.latest().catch(() => []);
    const changes = await journal.latest(MOST_SHOWN).catch(() => []);
    const activityOf = async (index?: string) =>
      activityView(await this.#options.traffic.hours(index).catch(() => []), now, LAST_DAY);
    const activities = statuses.map(async ({ name }) => [name, await activityOf(name)] as const);
    const { says, troubles } = verdict;
    const { bytes, blobs: files } = blobs.usage();
    const at = address();
    return {
      now,
      judged,
      version: VERSION,
      startedAt,
      well: troubles.length === 0,
      says,
      troubles,
      refusedLastDay: refusals.filter((each) => now - each.at < DAY).length,
      held: { files, bytes },
      indexes: await Promise.all(statuses.map((status) => this.#index(status))),
      addresses: addressViews(this.#options.addresses, this.#options.defaultIndex),
      activity: await activityOf(),
      activityOf: Object.fromEntries(await Promise.all(activities)),
      refusals: refusals.slice(0, MOST_SHOWN).map(refusalHappening),
      changes: changes.map(changeHappening),
      address: at === undefined ? undefined : `${at.replace(/\/+$/, '')}/`,
    };
  }

  async #index(status: IndexStatus): Promise<IndexView> {
    const { name, evidence, upstream, lastRefresh, leftOut, firstSight, byManifest, outOfReach, carried, silent } =
      status;
    return {
      name,
      isDefault: name === this.#options.defaultIndex,
      evidence,
      upstream: clean(upstream),
      confirmed: lastRefresh,
      silent,
      roles: await Promise.all(status.roles.map((role) => this.#role(name, role))),
      leftOut: [...leftOut].map(([why, files]) => ({ why, files, says: leftOutSays(why) })),
      firstSight,
      byManifest,
      outOfReach: [...outOfReach.values()].reduce((sum, files) => sum + files, 0),
      carried: carried?.label,
    };
  }

  async #role(index: string, status: IndexStatus['roles'][number]): Promise<RoleView> {
    const changed = await this.#options.news.changed(index, status.role, status.version).catch(() => undefined);
    return { ...status, changed };
  }
}
