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
/** Characters of all of them together, of which the list is drawn twice; PyPI's have 12,000,000. */
export const MAX_PROJECTS_TEXT = 32 * 1024 * 1024;
/** Nesting of a JSON page; PEP 691 needs four. */
export const MAX_DEPTH = 32;
/** Values of a JSON page, or tags and attributes of an HTML one: MAX_FILES lines as PyPI writes them are 1,500,000. */
export const MAX_VALUES = 2_000_000;
/** Values of the list of all projects: MAX_PROJECTS lines as PyPI writes them are 6,000,000. */
export const MAX_LIST_VALUES = 8_000_000;
/** Bytes of one line of a JSON document, or of another value that is made whole; PyPI's lines have 700. */
export const MAX_PIECE = 64 * 1024;
/** Attributes of one HTML tag; the PEPs name ten. */
export const MAX_ATTRIBUTES = 256;
/** Characters of all unknown keys of a page and their values; what is more is left out and counted. */
export const MAX_EXTRA = 1024 * 1024;
/** Unknown keys at the top of a page. */
export const MAX_EXTRA_KEYS = 256;
/** Projects a file name is tried for, best first. */
export const MAX_CANDIDATES = 16;
/** Characters of an Accept or Accept-Encoding header that are looked at; node itself stops at 16 KB of headers. */
export const MAX_HEADER = 16_384;
/** Bytes of core metadata that are read for what it requires: its headers come before its description. */
export const MAX_METADATA_HEAD = 256 * 1024;
/** Projects that one file requires; PyPI's longest lists have some two hundred. */
export const MAX_REQUIREMENTS = 256;
/** Files of a page that is looked through for its newest release, in a few milliseconds. */
export const MAX_LOOKED_THROUGH = 20_000;
/** Characters of one requirement, or of a marker (PEP 508). */
export const MAX_REQUIREMENT = 32_768;
/** Clauses of one requirement's versions. */
export const MAX_SPECIFIERS = 256;
/** Extras of one requirement. */
export const MAX_EXTRAS = 256;
/** Requirements and extras of one file's core metadata that are all read; the longest lists have some six hundred. */
export const MAX_DEPENDENCIES = 10_000;
