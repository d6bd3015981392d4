/**
 * What came of something that another replica believes. `newer`: it is believed here from now on. `older`: what is believed here is newer.
 * `unproved`: it does not hold. `unusable`: it may hold, and cannot be believed now.
 */
export const HEARD_RESULTS = ['newer', 'known', 'older', 'unproved', 'unusable'] as const;
export type Heard = (typeof HEARD_RESULTS)[number];

/** What is asked of Redis. */
export const REDIS_COMMANDS = ['STRLEN', 'GETRANGE', 'SET', 'EXISTS', 'EVAL', 'PUBLISH'] as const;
export type RedisCommand = (typeof REDIS_COMMANDS)[number];
/** `refused`: Redis said an error. `unknown`: no answer came. `away`: it was not asked, because it is known to be away. */
export const REDIS_OUTCOMES = ['answered', 'refused', 'unknown', 'away'] as const;
export type RedisOutcome = (typeof REDIS_OUTCOMES)[number];
