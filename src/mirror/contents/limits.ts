/** Releases whose files are looked into behind a page, the newest; and files of them. */
export const RELEASES = 2;
export const FILES = 16;
/** Bytes of a wheel that is fetched to be looked into though nobody asked for it. */
export const LARGEST_WHEEL = 64 * 1024 * 1024;
/** Earlier wheels that are tried until one can be had, where one has something that is to be compared. */
export const EARLIER = 3;
/** Seconds after which what could not be found out is tried again, and what the index says is compared again. */
export const TRIED_FOR = 3600;
export const COMPARED_FOR = 24 * 3600;
/** What was tried is remembered of so many files. */
export const MOST_TRIED = 50_000;
/** Bytes of memory for what is known of projects, and of one file of them. */
export const MEMORY = 16 * 1024 * 1024;
export const BYTES_PER_FILE = 500;
/** Bytes of the JSON document of one release. */
export const RELEASE_JSON = 4 * 1024 * 1024;
