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
