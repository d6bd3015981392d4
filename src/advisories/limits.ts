// Limits of what a hostile or broken feed could make large.

/** Bytes of an archive; that of all Python advisories has some 20 MB. */
export const MAX_ARCHIVE = 512 * 1024 * 1024;
/** Bytes of all its records as they unpack. */
export const MAX_UNPACKED = 4 * 1024 ** 3;
/** Bytes of one record; the longest lists of versions take some 100 KB. */
export const MAX_RECORD = 4 * 1024 * 1024;
/** Nesting of a record; the schema needs eight. */
export const MAX_RECORD_DEPTH = 32;
/** Values of one record. */
export const MAX_RECORD_VALUES = 200_000;
/** Characters of an id; the longest there are have thirty. */
export const MAX_ID = 128;
/** Characters that are kept of a summary. */
export const MAX_SUMMARY = 500;
/** Records that cannot be read which are remembered by name; the others are only counted. */
export const MAX_NAMED = 20;
/** Records read before whoever waits is answered. */
export const RECORDS_A_STEP = 500;
/** Projects that stay unpacked. */
export const UNPACKED_PROJECTS = 512;
/** Bytes of what is asked; a batch of a thousand has some 100 KB. */
export const MAX_QUERY_BYTES = 1024 * 1024;
/** Questions of a batch: as many as OSV takes. */
export const MAX_QUERIES = 1000;
/** Nesting of what is asked; the API needs four. */
export const MAX_QUERY_DEPTH = 8;
/** Values of what is asked; a question has some six. */
export const MAX_QUERY_VALUES = 20_000;
/** Ids that one answer names; a thousand packages have some hundreds. */
export const MAX_ANSWERED_IDS = 50_000;
/** Bytes of the records of one answer; those of the package with most advisories have some 10 MB. */
export const MAX_ANSWERED_BYTES = 128 * 1024 * 1024;
