/**
 * What came of something that another replica believes. `newer`: it is believed here from now on. `older`: what is believed here is newer.
 * `unproved`: it does not hold. `unusable`: it may hold, and cannot be believed now.
 */
export const HEARD_RESULTS = ['newer', 'known', 'older', 'unproved', 'unusable'] as const;
export type Heard = (typeof HEARD_RESULTS)[number];
