import { Refusal } from '../bytes/refusal.ts';
import type { Page } from '../pypi/page.ts';
import type { FetchProved } from './fetch.ts';
import type { Keeper } from './keeper.ts';
import { LIMITS } from './limits.ts';
import { evenIfMovedOn } from './moved-on.ts';
import type { PageWork } from './page-work.ts';
import type { IndexLayout } from './ports.ts';
import type { Roles } from './roles.ts';
import { singleFlight } from './single-flight.ts';

interface ListOptions {
  readonly layout: IndexLayout;
  readonly keeper: Keeper;
  readonly roles: Roles;
  readonly fetchProved: FetchProved;
  readonly work: PageWork;
}

/** The project list, from its target where the layout signs one; rendered once for each change of its bytes. */
export function createList({ layout, keeper, roles, fetchProved, work }: ListOptions): () => Promise<Page> {
  const { listTarget } = layout;
  const flights = singleFlight<Page>();
  let drawn: { readonly source: string; readonly page: Page } | undefined;

  const load = async (target: string): Promise<Page> => {
    const search = await roles.find(target);
    if (search.target === undefined)
      throw new Refusal('unlisted', 'This index lists no projects.', { subject: 'list' });
    const blob = await fetchProved({
      name: 'the project list',
      subject: 'list',
      expected: search.target,
      limit: LIMITS.list,
      urls: layout.urls(target, search.target.digests, search.generation.root.signed.consistentSnapshot),
    });
    if (drawn?.source !== blob.sha256)
      drawn = { source: blob.sha256, page: await work.drawList(await blob.bytes(LIMITS.list)) };
    return drawn.page;
  };

  return async () => {
    if (listTarget === undefined)
      throw new Refusal('unlisted', 'The signed metadata of this index has no list of all projects.', {
        subject: 'list',
      });
    return flights(listTarget, () => evenIfMovedOn(keeper, () => load(listTarget)));
  };
}
