/** How long a store is waited for, and how much of it is read. */
export interface S3Limits {
  /** Milliseconds until the head of an answer is there, from the moment the request is made. */
  readonly headMs: number;
  /** Milliseconds in which nothing of a body comes or goes. */
  readonly silenceMs: number;
  /** Connections at once. */
  readonly connections: number;
  /** How often a request is made that failed in a way that may pass. */
  readonly attempts: number;
  /** Milliseconds before the second attempt; each next one waits twice as long, with jitter. */
  readonly pauseMs: number;
  /** Milliseconds after which a second identical request is made of a small one that was not answered yet. */
  readonly hedgeMs: number;
}

export const S3_LIMITS: S3Limits = {
  headMs: 10_000,
  silenceMs: 20_000,
  connections: 64,
  attempts: 4,
  pauseMs: 100,
  hedgeMs: 250,
};

/** Bytes of an error's document that are read. */
export const ERROR_BYTES = 16 * 1024;
/** Bytes of one answer to a list: a thousand keys of 1,024 bytes, and what stands around them. */
export const LIST_BYTES = 4 * 1024 * 1024;
/** Answers to one list: a hundred million objects. */
export const LIST_PAGES = 100_000;
