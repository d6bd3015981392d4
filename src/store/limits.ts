/** Bytes of a chunk: what is read, tagged and checked as one (DESIGN §2 "the data volume"). */
export const CHUNK = 1024 * 1024;

/** Blobs on disk, in bytes, unless configured. */
export const MAX_BYTES = 10_000_000_000;
/** The share of the limit that blobs used only once may hold when room is short. */
export const PROBATION_SHARE = 0.1;

/** Buffers of one chunk that all readers share; a send takes two where two are free. */
export const READ_BUFFERS = 256;
/** Buffers kept allocated while nobody reads. */
export const IDLE_BUFFERS = 32;
/** Readers that may wait for a buffer. */
export const READ_QUEUE = 4096;
/** A reader waits this long for a buffer: less than pip's 15 seconds of silence. */
export const READ_PATIENCE_MS = 10_000;
/** Buffers apart for hashing and for what the mirror reads itself, so that no client's pace can hold those up. */
export const OWN_BUFFERS = 16;

/** Memory for tags of blobs touched since start; what is dropped is hashed again at its next touch. */
export const RECORD_BYTES = 64 * 1024 * 1024;
/** Blobs hashed at once at their first touch. */
export const HASHING = 4;

/** Downloads at once, and how many may wait for their turn. */
export const MAX_FILLS = 32;
export const FILL_QUEUE = 1024;
/** Downloads that go on although everybody who asked has left. */
export const MAX_ORPHANS = 16;
/** Connections tried for one fill. */
export const ATTEMPTS = 3;
/** Whole bodies that may turn out wrong before the fill is refused. */
export const WRONG_BODIES = 2;
/** A failed fill answers the same refusal for this long, doubling to the most. */
export const BACK_OFF_MS = 1000;
export const MAX_BACK_OFF_MS = 5000;
/** Origins whose last failure is remembered. */
export const BACK_OFF_ENTRIES = 10_000;
/** A fill starts writing back to disk each time this much is new, so that the last fsync is short. */
export const WRITE_BACK = 8 * CHUNK;

/** The use record is written this often when it changed. */
export const RECORD_EVERY_MS = 5 * 60_000;
/** What other processes on the same directory filled is counted this often. */
export const RESCAN_EVERY_MS = 60 * 60_000;
/** Room made on a full disk for a file whose length nobody stated. */
export const ROOM_UNSTATED = 256 * CHUNK;
/** Files looked at together by the scan at start. */
export const SCAN_BATCH = 16;

/** What was set aside is kept as evidence, beside the size limit: this many and this much, the oldest leave first. */
export const QUARANTINED = 16;
export const QUARANTINED_BYTES = 1_000_000_000;

/** Temporary files of a process that this one cannot look at (another host or container) are stale after this. */
export const FOREIGN_TEMP_MS = 60 * 60_000;

/** Snapshots, targets and delegated roles stay reachable this long after they were replaced (DESIGN J3). */
export const RECENT_S = 3600;
/** Replaced snapshots and targets that are remembered at most. */
export const RECENT_MOST = 256;
/** Documents removed after one publish. */
export const PRUNE_AT_ONCE = 64;
/** Most bytes of one of our own JSON files. */
export const STATE_FILE_BYTES = 64 * 1024 * 1024;
/** Most bytes of one stored metadata document (DESIGN §5 "Limits": targets roles 64 MiB). */
export const DOCUMENT_BYTES = 64 * 1024 * 1024;
/** Projects whose pins are in memory, and how many pins altogether: each takes some 500 bytes. */
export const PINNED_IN_MEMORY = 256;
export const PINS_IN_MEMORY = 100_000;
/** Most bytes of one kept page: its body (DESIGN §5 "Limits") and a line before it. */
export const PAGE_FILE_BYTES = 33 * 1024 * 1024;
/** Pages whose file on disk is known without reading it. */
export const PAGES_REMEMBERED = 20_000;

/** Bytes of one generation of the journal and of the access record; there are two of each. */
export const JOURNAL_BYTES = 64 * 1024 * 1024;
export const ACCESS_BYTES = 64 * 1024 * 1024;
/** Lines that wait to be written, and how long. */
export const LINES_WAITING = 10_000;
export const LINES_EVERY_MS = 1000;
/** Most characters of a text in a line, and most bytes of a line that is read. */
export const LINE_TEXT = 1000;
export const LINE_BYTES = 64 * 1024;
/** The same client fetching the same file again is recorded once in this time. Seconds. */
export const SAME_FETCH_S = 600;
export const SAME_FETCHES = 50_000;
