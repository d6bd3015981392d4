import { daysText, type Instant } from '../../bytes/instant.ts';
import type { AdvisoriesConfig } from '../../config/advisories/schema.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { FeedStanding } from './keeper.ts';

/** What an operator should know of the feed of advisories. */
export function advisoryConditions(
  { place, totals, trouble }: FeedStanding,
  { maxAge, now }: Pick<AdvisoriesConfig, 'maxAge'> & { readonly now: Instant },
): readonly Condition[] {
  const about = (thing: string, message: string): Condition => ({ what: 'advisories', index: '', thing, message });
  const kept = totals === undefined ? 'no advisory is in force' : 'the last good ones stay in force';
  const age = totals === undefined ? 0 : now - (totals.newest ?? 0);
  return [
    ...(trouble === undefined
      ? []
      : [about('trouble', `The advisories (${place}) could not be read: ${trouble}; ${kept}.`)]),
    ...(age <= maxAge
      ? []
      : [
          about(
            'age',
            `The newest change in the advisories (${place}) is ${daysText(age)} old; more than advisories.max_age.`,
          ),
        ]),
    ...(totals === undefined || totals.unreadable === 0
      ? []
      : [about('unreadable', `${totals.unreadable} of the advisories (${place}) cannot be read, and decide nothing.`)]),
  ];
}
