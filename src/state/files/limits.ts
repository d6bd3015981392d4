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
/** Parsed pins in memory, of all projects of an index: 850 bytes each. */
export const PINS_IN_MEMORY = 5000;
/** Most bytes of one kept page: its body (DESIGN §5 "Limits") and a line before it. */
export const PAGE_FILE_BYTES = 33 * 1024 * 1024;
/** Pages whose file on disk is known without reading it. */
export const PAGES_REMEMBERED = 20_000;
