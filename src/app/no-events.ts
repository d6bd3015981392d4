import type { Emit } from '../ports/events.ts';

/** For commands that report in their own words. */
export const noEvents: Emit = () => undefined;
