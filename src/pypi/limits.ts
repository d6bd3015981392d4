// Limits of what a hostile page could make large. The caller limits the bytes of the whole document.

/** Characters of a project name, before and after normalization. */
export const MAX_NAME = 200;
/** Bytes of a file name: what every file system takes. */
export const MAX_FILE_NAME = 255;
/** Characters of a listed URL. */
export const MAX_URL = 4096;
/** Entries of one page; PyPI's largest project has about 30,000. */
export const MAX_FILES = 100_000;
/** Lines left out of one page that are remembered by name; the others are only counted. */
export const MAX_LEFT_OUT_NAMED = 10_000;
/** Names in the project list; PyPI has about 800,000. */
export const MAX_PROJECTS = 2_000_000;
/** Nesting of a JSON page; PEP 691 needs four. */
export const MAX_DEPTH = 32;
/** Projects a file name is tried for, best first. */
export const MAX_CANDIDATES = 16;
/** Characters of an Accept or Accept-Encoding header that are looked at; node itself stops at 16 KB of headers. */
export const MAX_HEADER = 16_384;
