/** Which host of an upstream is asked: one of the index's own, another that the configuration names, or any other. */
export const HOST_CLASSES = ['index', 'files', 'public'] as const;
export type HostClass = (typeof HOST_CLASSES)[number];
/**
 * What came of a request to upstream. `answered`: with a status below 500. `busy`: 429 or 503. `error`: another of 500 and above. `refused`: what
 * came is no answer. `left`: nobody waited for it any more.
 */
export const UPSTREAM_OUTCOMES = ['answered', 'busy', 'error', 'slow', 'unreachable', 'refused', 'left'] as const;
export type UpstreamOutcome = (typeof UPSTREAM_OUTCOMES)[number];

/** One request to an upstream. */
export interface AskedUpstream {
  readonly host: HostClass;
  readonly outcome: UpstreamOutcome;
  /** The head of an answer came. */
  readonly isAnswered: boolean;
  /** Until that, or until it was given up. */
  readonly seconds: number;
}
