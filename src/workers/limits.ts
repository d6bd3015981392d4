/** From this size on a document is worth the way to another thread. */
export const LARGE = 256 * 1024;
/** Files of a listing handed over at a time: a millisecond or two of the event loop. */
export const SLICE = 250;
/** A thread that has had nothing to do for so long ends, and its memory with it. */
export const IDLE_MS = 15_000;
/** The longest one step may take; a thread that does not come back is ended. */
export const STEP_MS = 60_000;
/** The longest that checking one provenance object may take; the first one waits for what checks it to be loaded. */
export const PROVENANCE_MS = 30_000;
/** Provenance objects that wait to be checked. */
export const PROVENANCE_QUEUE = 4096;
/** Memory of one thread: the list of all projects takes half of it. Megabytes. */
export const HEAP_MB = 1024;
/** The part of it for what is new: a page fits, so that it is not copied again and again while it grows. Megabytes. */
export const YOUNG_MB = 96;
