/** Characters of one list or lock; the largest locks in the field have some five million. */
export const MAX_TEXT = 32 * 1024 * 1024;
/** What all lists and locks of one sync may ask for together. */
export const MAX_ASKED = 200_000;
/** Files that lists of requirements include, and how deep. */
export const MAX_INCLUDED = 256;
export const MAX_INCLUDE_DEPTH = 16;
/** Hashes of one requirement, or files of one package. */
export const MAX_HASHES = 20_000;
/** Nesting of a lock or an SBOM. */
export const MAX_DEPTH = 64;
/** Values of an SBOM, and bytes of one that is made whole. */
export const MAX_SBOM_VALUES = 8_000_000;
export const MAX_SBOM_PIECE = 64 * 1024;
