import { type Instant, instantText } from '../../bytes/instant.ts';
import type { IndexState, PageContent } from '../../ports/index-state.ts';

/** One time of an index that becomes otherwise by the operator's word that the clock is right now. */
export interface ClockAct {
  readonly what: string;
  readonly before: string;
  readonly after: string;
  carryOut(): Promise<void>;
}

type ClockState = Pick<IndexState, 'trust' | 'facts' | 'page' | 'projects'>;

/** Evidence moves the floor on disk in steps this long: a server may know of one that is so much higher. Seconds. */
const BEHIND_MEMORY = 3600;

/** Everything of an index that says a later time than it is, as acts to carry out. */
export async function clockActs(state: ClockState, now: Instant): Promise<readonly ClockAct[]> {
  const floor = await state.trust.clockFloor();
  const since = (await state.facts.read())?.value.upstreamSince;
  return [
    ...(floor !== undefined && floor.at + BEHIND_MEMORY > now ? [floorAct(state, floor.at, now)] : []),
    ...(since !== undefined && since > now ? [upstreamAct(state, since, now)] : []),
  ];
}

function floorAct({ trust }: ClockState, before: Instant, now: Instant): ClockAct {
  return {
    what: 'the clock floor',
    before: instantText(before),
    after: instantText(Math.min(before, now)),
    carryOut: async () => void (await trust.acceptClock(now)),
  };
}

/**
 * Pages confirmed up to `upstreamSince` are another upstream's word. With it fall the times of pages that lie above it: nobody
 * knows any more whose they are, so that this upstream is asked for each before it is served.
 */
function upstreamAct({ facts, page, projects }: ClockState, before: Instant, now: Instant): ClockAct {
  const notLater = (content: PageContent): PageContent => ({
    ...content,
    confirmedAt: Math.min(content.confirmedAt, now),
    fetchedAt: Math.min(content.fetchedAt, now),
  });
  return {
    what: 'the time since which the upstream is what it is',
    before: instantText(before),
    after: instantText(now),
    async carryOut() {
      for await (const project of projects('pages'))
        await page(project).change((was) => {
          const content = was?.value.page;
          return content !== undefined && content.confirmedAt > now ? { page: notLater(content) } : undefined;
        });
      await facts.change((was) => was && { ...was.value, upstreamSince: now });
    },
  };
}
