/** Bytes of a chunk: what is read as one. */
export const CHUNK = 1024 * 1024;
/** Bytes of a unit: what has a tag. Whoever asks for no more costs the reading and checking of two at most. */
export const UNIT = 128 * 1024;
/** Blobs on disk, in bytes, unless configured. */
export const MAX_BYTES = 10_000_000_000;
/** The share of the limit that blobs used only once may hold when room is short. */
export const PROBATION_SHARE = 0.1;
/** So many at once are sent what lies in their chunks, uncopied: one that stalls can hold a chunk. */
export const UNCOPIED = 16;
/** What is copied out of a chunk for another client at once, in bytes: all that one that stalls can hold … */
export const PIECE = 256 * 1024;
/** … and what it is when more than so many are being sent files. */
export const SMALL_PIECE = 64 * 1024;
export const LARGE_PIECES = 256;
/** So many pieces or chunks are handed on in one turn of the event loop, to whomever: where sockets take all at once nobody else would have theirs. */
export const PIECES_A_TURN = 16;
/** Pieces kept allocated for the next reader. */
export const IDLE_PIECES = 64;
/** A client that keeps its reader waiting so long has the chunk taken from it where another reader wants a buffer. */
export const PATIENCE_MS = 500;
/** Buffers kept allocated while nobody reads. */
export const IDLE_BUFFERS = 32;
/** Buffers apart for hashing and for what the mirror reads itself, so that no client's pace can hold those up. */
export const OWN_BUFFERS = 16;
export const OWN_IDLE_BUFFERS = 2;
/** Readers that may wait for one of those, and how long. */
export const OWN_QUEUE = 4096;
export const OWN_WAIT_MS = 10_000;
/** Memory for tags of blobs touched since start; what is dropped is hashed again at its next touch. */
export const RECORD_BYTES = 64 * 1024 * 1024;
/** Downloads that go on although everybody who asked has left … */
export const MAX_ORPHANS = 16;
/** … as long as something comes. */
export const ORPHAN_STALL_MS = 1000;
/** Connections tried for one fill. */
export const ATTEMPTS = 3;
/** Whole bodies that may turn out wrong before the fill is refused. */
export const WRONG_BODIES = 2;
/** Downloads that were given up are kept to go on from: so many, of this share of the store's limit besides it, for so long. */
export const PARTIALS = 64;
export const PARTIALS_SHARE = 0.25;
export const PARTIAL_AGE_MS = 7 * 24 * 60 * 60_000;
/** What is smaller comes again in no time. */
export const PARTIAL_LEAST = 64 * 1024;
/** A failed fill answers the same refusal for this long, doubling to the most. */
export const BACK_OFF_MS = 1000;
export const MAX_BACK_OFF_MS = 5000;
/** Origins whose last failure is remembered. */
export const BACK_OFF_ENTRIES = 10_000;
/** First buffer of a fill whose length nobody stated; it grows to a chunk. */
export const FIRST_BUFFER = 64 * 1024;
/** Blobs from this size on are synced behind the answer; smaller ones the system writes back in its own time, half a minute. */
export const SYNC_FROM = 16 * CHUNK;
/** Bytes of small blobs that are read from the memory they were proved in: whoever waited for them comes at once. */
export const FRESH_BYTES = 16 * CHUNK;
/** Other digests whose sha256 is in memory. */
export const ALIASES_IN_MEMORY = 20_000;
/** Most characters of the reason why a blob is kept. */
export const KEPT_BY_LENGTH = 100;
/** Other processes are told of blobs this often, or when so many changed. */
export const NEWS_EVERY_MS = 500;
export const NEWS_MOST = 5000;
/** The use record is written this often when it changed. */
export const RECORD_EVERY_MS = 5 * 60_000;
/** Milliseconds until what is kept is recorded, and between two such records. */
export const KEPT_EVERY_MS = 1000;
/** What other processes on the same directory filled is counted this often. */
export const RESCAN_EVERY_MS = 60 * 60_000;
/** Room made on a full disk for a file whose length nobody stated. */
export const ROOM_UNSTATED = 256 * CHUNK;
/** How a lease on a download is waited for. Milliseconds. */
export const LEASE_TIMES = { answerMs: 250, lookMs: 1000, leastMs: 50, patienceMs: 60_000 };
/** Files that peers may have of us: so many, for so long after an index gave them out. Who waits for another's download waits a minute. */
export const VOUCHED = 10_000;
export const VOUCHED_MS = 2 * 60_000;
