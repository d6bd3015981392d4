/** How long and how much one kind of answer may take. Times are milliseconds. */
export interface Pace {
  /** From the request to the first byte of the answer; an interim answer (100 Continue) starts it anew. */
  readonly headersTimeout: number;
  /** Between two chunks of a body, while we are the ones waiting. */
  readonly idleTimeout: number;
  /** For everything: queue, redirects, retries and body. */
  readonly deadline: number;
  /** Below `minimumRate` on average over this long a wait, the upstream is too slow. */
  readonly rateWindow: number;
}

/** Every limit of the upstream side: its waits as they are unless configured, the rest as it is. */
export interface UpstreamLimits {
  readonly connectTimeout: number;
  /** Metadata, pages and lists: somebody waits for them. */
  readonly documents: Pace;
  /** Files: clients are told to wait meanwhile (100 Continue), and the upstream may be a mirror that fetches the file first. */
  readonly downloads: Pace;
  /** Bytes a second; 0 for none. */
  readonly minimumRate: number;
  readonly headerBytes: number;
  readonly headerCount: number;
  /** Interim (1xx) answers at once; beyond it one a second is still fine. */
  readonly interimBurst: number;
  /** For documents; files have three quarters as many of their own. */
  readonly connections: number;
  /** Requests that wait for a connection; the next one is refused. */
  readonly queue: number;
  /** For a connection to download on; documents have their deadline for everything. */
  readonly longestQueueing: number;
  readonly idleSocket: number;
  /** Redirects that are followed. */
  readonly redirects: number;
  readonly retries: number;
  readonly retryDelay: number;
  /** A Retry-After counts up to this long … */
  readonly longestRetryAfter: number;
  /** … of a page in whose place nothing older can be served, only so long … */
  readonly longestUnheld: number;
  /** … and a request waits at most this long for it to end; otherwise it fails at once. */
  readonly longestWait: number;
  /** A host that let somebody wait in vain is not asked for so long … */
  readonly silentRest: number;
  /** … and then by one request at a time, each of which is waited for at most so long before the next may be sent. */
  readonly longestLook: number;
  /** Whoever leaves after so long a wait for the first byte waited in vain, too: not every client is as patient as this mirror. */
  readonly leftUnanswered: number;
  /** An unwanted body (of a 404, say) is read on for at most this long, to keep the connection. */
  readonly discard: number;
  /** That an index answers for what it has is believed for this long after it was shown. */
  readonly witnessed: number;
  /** After it could not be shown, it is not tried again for this long. */
  readonly unwitnessed: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const LIMITS: UpstreamLimits = {
  connectTimeout: 10 * SECOND,
  documents: { headersTimeout: 30 * SECOND, idleTimeout: MINUTE, deadline: 15 * MINUTE, rateWindow: MINUTE },
  downloads: { headersTimeout: MINUTE, idleTimeout: 20 * SECOND, deadline: 24 * 60 * MINUTE, rateWindow: MINUTE },
  minimumRate: 1024,
  headerBytes: 16 * 1024,
  headerCount: 100,
  interimBurst: 20,
  connections: 32,
  queue: 1024,
  longestQueueing: 5 * MINUTE,
  idleSocket: 4 * SECOND,
  redirects: 3,
  retries: 2,
  retryDelay: 200,
  longestRetryAfter: MINUTE,
  longestUnheld: 10 * SECOND,
  longestWait: 5 * SECOND,
  silentRest: 5 * SECOND,
  longestLook: 30 * SECOND,
  leftUnanswered: 10 * SECOND,
  discard: 500,
  witnessed: MINUTE,
  unwitnessed: 5 * SECOND,
};

/** Another replica is near and quick, or not worth waiting for: upstream has the file, too. */
const PEER_PACE: Pace = {
  headersTimeout: 2 * SECOND,
  idleTimeout: 3 * SECOND,
  deadline: 15 * MINUTE,
  rateWindow: 5 * SECOND,
};
export const PEER_LIMITS: Partial<UpstreamLimits> = {
  connectTimeout: SECOND,
  documents: PEER_PACE,
  downloads: PEER_PACE,
  minimumRate: 64 * 1024,
  connections: 64,
  longestQueueing: 2 * SECOND,
  redirects: 0,
  longestWait: 0,
  leftUnanswered: SECOND,
  longestLook: 3 * SECOND,
};
/** One that failed, or sent other bytes, is not asked for so long. Milliseconds. */
export const PEER_RESTS = { failed: 5 * SECOND, wrong: MINUTE };
