import type { Events } from '../ports/events.ts';

/** For commands that report in their own words. */
export const quietEvents: Events = {
  rejected: () => undefined,
  served: () => undefined,
  refreshed: () => undefined,
  note: () => undefined,
};
