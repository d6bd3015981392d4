import { internalCaller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PageWork } from '../../ports/page-work.ts';
import type { IndexLayout } from '../../presets/target-layout.ts';
import { makePage, type Page } from '../../render/page.ts';
import type { FetchProved } from '../files/fetch.ts';
import { LIMITS } from '../limits.ts';
import type { Keeper } from './keeper.ts';
import { evenIfMovedOn } from './moved-on.ts';
import type { Roles } from './roles.ts';

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
  const flights = createFlights<Page>();
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
      drawn = { source: blob.sha256, page: makePage(await work.drawList(await blob.bytes(LIMITS.list))) };
    return drawn.page;
  };

  return async () => {
    if (listTarget === undefined)
      throw new Refusal('unlisted', 'The signed metadata of this index has no list of all projects.', {
        subject: 'list',
      });
    return flights.join(listTarget, internalCaller(''), () => evenIfMovedOn(keeper, () => load(listTarget)));
  };
}
