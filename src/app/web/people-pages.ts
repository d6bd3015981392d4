import type { Instant } from '../../bytes/instant.ts';
import type { PeoplePages } from '../../http/routes/people.ts';
import type { Condition } from '../../ports/conditions.ts';
import { homePage } from '../../web/home.ts';
import { Overview, type OverviewParts } from './overview.ts';

interface PeoplePagesOptions {
  readonly composition: OverviewParts;
  /** The name of the index that also lies at the root. */
  readonly defaultIndex: string;
  readonly startedAt: Instant;
  /** What an operator should know, as of the last look. */
  readonly conditions: () => readonly Condition[];
  /** What clients call this mirror. */
  readonly address: () => string | undefined;
}

/** Pages for people, of what a running mirror knows. */
export function createPeoplePages({ composition, ...options }: PeoplePagesOptions): PeoplePages {
  const overview = new Overview({ ...composition, ...options });
  return {
    overview: async (root, index) => homePage(await overview.view(), { root, at: 'overview', index }, index),
  };
}
