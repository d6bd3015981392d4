/** Temporary files of a process that this one cannot look at (another host or container) are stale after this. */
export const FOREIGN_TEMP_MS = 60 * 60_000;
/** A mark of work under way of such a process is stale after this: it is written anew each minute. */
export const FOREIGN_MARK_MS = 10 * 60_000;
/** Most bytes of one index's database: 600,000 projects take 2 GB. */
export const STATE_BYTES = 64 * 1024 ** 3;
/** Room for what is new is asked for so often: others may take what was made. */
export const ROOM_ASKED_MOST = 3;
/** Most bytes of the journal and of the access record, where nothing else is said. */
export const JOURNAL_BYTES = 128 * 1024 * 1024;
export const ACCESS_BYTES = 128 * 1024 * 1024;
/** The same of what pages leave out: some 150 bytes for each change of a project. */
export const TALLY_BYTES = 32 * 1024 * 1024;
/** The same of what was refused, and of when signed lists changed: some 200 bytes each. */
export const NEWS_BYTES = 8 * 1024 * 1024;
/** How much was answered and asked is counted by the hour, for so many hours, and written down so often. */
export const TRAFFIC_HOURS = 7 * 24;
export const TRAFFIC_EVERY_MS = 5 * 60_000;
/** The same thing refused for the same reason again is one line in this time. Seconds. */
export const SAME_REFUSAL_S = 600;
export const SAME_REFUSALS = 10_000;
/** Refusals that are looked at for people, the newest. */
export const NEWEST_REFUSALS = 2000;
/** The same of what was asked for and refused by policy: some 400 bytes each. */
export const REQUESTS_BYTES = 16 * 1024 * 1024;
/** Things refused that are counted in memory; of others a request is a line of its own. */
export const SAME_REQUESTS = 20_000;
/** Different things that one client is written down with in one day, by one process; of more only how often. */
export const REQUESTS_OF_ONE = 500;
/** Clients of which is known how many that were. */
export const REQUESTING_CLIENTS = 20_000;
/** What was counted is written down so often, and what is too old is looked for. */
export const REQUESTS_EVERY_MS = 3_600_000;
/** Lines that wait to be written, and how long. */
export const LINES_WAITING = 10_000;
export const LINES_EVERY_MS = 1000;
/** Most characters of a text in a line, and most bytes of a line that is read. */
export const LINE_TEXT = 1000;
export const LINE_BYTES = 64 * 1024;
/** Clients and files of a day that are counted; of others a fetch is a record of its own. */
export const SAME_FETCHES = 50_000;
/** The end of an answer waits for its record so long. */
export const RECORD_WAIT_MS = 5000;
/** What is too old in the record is looked for so often, where nobody is sent anything. */
export const AGED_EVERY_MS = 3_600_000;
/** What was set aside is kept as evidence, beside the size limit: this many and this much, the oldest leave first. */
export const QUARANTINED = 16;
export const QUARANTINED_BYTES = 1_000_000_000;
/** Blob files kept open for whoever reads them next, and how long. */
export const OPEN_IDLE = 64;
export const OPEN_IDLE_MS = 2000;
/** Most bytes of the record of which blobs were used: 67 for each. */
export const USAGE_RECORD_BYTES = 256 * 1024 * 1024;
/** Files looked at together where all are listed. */
export const SCAN_BATCH = 16;
/** Small blobs are written to their database this far apart, or when there are so many bytes of them. */
export const SMALL_APART_MS = 100;
export const SMALL_WAITING_BYTES = 4 * 1024 * 1024;
/** Those that were looked at within one turn of the event loop and need not be read again to be opened. */
export const SMALL_SEEN = 64;
/** Most bytes of values that wait to be written to the cache of drawn pages; more are not kept. */
export const CACHE_WAITING_BYTES = 64 * 1024 * 1024;
