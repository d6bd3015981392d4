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

/** Milliseconds until the head of an answer for which a client waits: past it the bucket counts as one that does not have the file. */
export const WAITED_HEAD_MS = 1000;
/** Milliseconds in which nothing of an object comes that a client waits for. */
export const WAITED_SILENCE_MS = 3000;
/** Milliseconds in which a whole object comes, and besides a second for so many bytes of it. */
export const BODY_MS = 30_000;
export const BODY_SLOWEST = 64 * 1024;
/** Bytes of a file from the bucket that are written to the disk at once; as many are collected meanwhile. */
export const JOINED_BYTES = 512 * 1024;
/** Bytes of such a file that are kept in memory for whoever hashes it while it comes; past them it is read from the disk. */
export const ARRIVING_BYTES = 4 * 1024 * 1024;
/** Milliseconds for which a store that could not be had is not asked for what a client waits for. */
export const BREAK_MS = 5000;

/** Bytes of a part of an upload. What is no longer is uploaded at once. */
export const PART_BYTES = 16 * 1024 * 1024;
/** Bytes of the store's answer to the beginning or the end of an upload. */
export const UPLOAD_ANSWER_BYTES = 64 * 1024;
/** Uploads that were given up, of which are tidied at a time. */
export const UPLOADS_LISTED = 1000;
/** Milliseconds after which an upload that is not complete was given up. */
export const UPLOAD_GIVEN_UP_MS = 24 * 3_600_000;
/** Files that are uploaded at once. */
export const UPLOADS_AT_ONCE = 4;
/** Files that wait to be uploaded; past them the oldest stay where they are. */
export const UPLOADS_WAITING = 100_000;
/** Milliseconds until uploads go on after one failed. */
export const UPLOAD_PAUSE_MS = 5000;
/** Milliseconds between two records of what waits. */
export const WAITING_RECORD_MS = 1000;
/** Milliseconds for uploads under way when the mirror ends. */
export const UPLOAD_GRACE_MS = 5000;

/** Milliseconds for whoever issues keys to answer, whole. */
export const ISSUER_MS = 5000;
/** Bytes of its answer. */
export const ISSUED_BYTES = 64 * 1024;
/** Milliseconds before issued keys end when new ones are asked for. */
export const RENEWED_BEFORE_MS = 300_000;

/** Seconds for which an address that clients are given may be used. */
export const PRESIGNED_SECONDS = 300;

/** Objects of evidence in a bucket; the oldest make room. */
export const ASIDE_OBJECTS = 64;
/** Milliseconds in which a file that was used on this machine is not evicted from its disk for want of room elsewhere. */
export const LATELY_MS = 60_000;
/** Milliseconds in which an object that was written or used by anybody is not evicted from the bucket. */
export const USED_LATELY_MS = 3_600_000;
/** Records of what replicas use that are read; each names so many files at most. */
export const TOUCH_RECORDS = 256;
export const TOUCHED_FILES = 50_000;
/** Milliseconds after which the record of a replica that writes none any more is no longer believed. */
export const TOUCH_RECORD_MS = 24 * 3_600_000;
/** The same of what it keeps: it may only be away. */
export const KEPT_RECORD_MS = 30 * 24 * 3_600_000;
/** Milliseconds for which what other replicas use is remembered. */
export const TOUCHED_MEMORY_MS = 10_000;
/** Milliseconds until who was not the leader asks again. */
export const LEADER_PAUSE_MS = 30_000;
/** Milliseconds for which a term of the leader holds, from before it was asked for. */
export const LEADER_TERM_MS = 120_000;
/** Milliseconds for which others leave a term alone after its end: the times of objects are whole seconds, of several clocks. */
export const LEADER_SLACK_MS = 30_000;
/** Milliseconds for which ended terms stay, so that nobody who is late creates one of them anew. */
export const LEADER_KEPT_MS = 24 * 3_600_000;
/** Milliseconds for which a leader that a lease names works at a time: less than the lease's own term. */
export const LEASED_WORK_MS = 15_000;

/** Bytes of the object that a bucket is tried with. */
export const PROBE_BYTES = 1024;
/** Milliseconds that the start waits for what comes of it. */
export const PROBE_WAIT_MS = 5000;
/** Milliseconds until a bucket that could not be asked is tried again. */
export const PROBE_PAUSE_MS = 30_000;
