/** Snapshots, targets and delegated roles stay reachable this long after they were replaced. Seconds. */
export const RECENT_S = 3600;
/** Replaced snapshots and targets that are remembered at most. */
export const RECENT_MOST = 256;
/** Replaced versions of one delegated role that are remembered at most. */
export const RECENT_ROLES = 64;
/** Most bytes of one stored page, as upstream sent it. */
export const PAGE_BYTES = 32 * 1024 * 1024;
/** Of what is left of one, with what is said of it: nothing of it is longer than it was on the page. */
export const LEFT_BYTES = 2 * PAGE_BYTES;
/** Most bytes of the stored list of all projects, as upstream sent it. */
export const LIST_BYTES = 128 * 1024 * 1024;
/** Parsed pins in memory, of all projects of an index: 850 bytes each. */
export const PINS_IN_MEMORY = 5000;
/** Pages of which is known what is stored without reading it. */
export const PAGES_REMEMBERED = 20_000;
/** A page that was only confirmed again is written this often. Seconds. */
export const CONFIRMED_EVERY_S = 3600;
/** Most bytes of the pins of one project, 260 each: four times as many files as the largest project of PyPI has. */
export const PINS_BYTES = 32 * 1024 * 1024;
/** Files of which it is remembered what was found in them, of one project, some 300 bytes each. */
export const CONTENTS_FILES = 4096;
/** Judgements of provenance that are remembered of one project, some 400 bytes each. */
export const JUDGEMENTS = 4096;
