/** The longest that a command is waited for. Milliseconds. */
export const LONGEST_WAIT_MS = 500;
/** After a command that was not answered in time none is sent for so long. Milliseconds. */
export const REST_MS = 2000;
/**
 * A connection that says nothing for so long while something is asked is cut: before a command is sent again, and no sooner, since the client counts
 * time in which this process was busy. Milliseconds.
 */
export const SILENT_MS = 2000;
/** For a connection to come about. Milliseconds. */
export const CONNECT_MS = 2000;
/** Between two tries to connect: at first, and at most. Milliseconds. */
export const RETRY_MS = { first: 50, most: 1000 };
/** A server that takes no writes is left for another connection this often. Milliseconds. */
export const READONLY_APART_MS = 5000;
/** Bytes of a value, where nothing else is configured. */
export const VALUE_BYTES = 16 * 1024 * 1024;
/** Most values are no longer, and come with the first question. Bytes. */
export const FIRST_BYTES = 64 * 1024;
/** Bytes that wait to be written to Redis; what is more is not kept there. */
export const WAITING_BYTES = 32 * 1024 * 1024;
/** A lease that is not renewed ends. Milliseconds. */
export const LEASE_TERM_MS = 30_000;
export const LEASE_RENEWED_MS = 10_000;
/** Whoever waits for a lease looks this often, whatever it hears. Milliseconds. */
export const LEASE_LOOK_MS = 500;
/** Leases that could not be given up while Redis was away, to be given up later. */
export const MOST_OWED = 1000;
/** Between two looks for what other replicas believe: with a look itself, within a second. Milliseconds. */
export const LOOK_EVERY_MS = 500;
/** Looks of one index keep apart, whoever asks for them. Milliseconds. */
export const LOOKS_APART_MS = 50;
/** What cannot be believed is not judged again for so long. Milliseconds. */
export const REFUSED_FOR_MS = 10_000;
/** What nobody has written in so long may go. Seconds. */
export const KEPT_S = 30 * 24 * 3600;
/** What replicas said last of an index, and bytes of one of it. */
export const NEWS_KEPT = 10_000;
export const NEWS_BYTES = 2048;
/** Entries that are read at once, and how often in one look. */
export const NEWS_READ = 500;
export const NEWS_ROUNDS = 20;
