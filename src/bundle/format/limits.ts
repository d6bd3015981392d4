/** What a bundle may ask of its reader. Bytes where not said otherwise. */
export const LIMITS = {
  /** One line of the manifest. */
  line: 16 * 1024,
  /** Its first line, which lists announced keys and what was selected. */
  header: 256 * 1024,
  /** All of it: some 3,000,000 files. */
  manifest: 1024 * 1024 * 1024,
  /** The signed envelope. */
  seal: 64 * 1024,
  /** Lines of each kind. */
  entries: 4_000_000,
  changes: 4_000_000,
  pieces: 9_999,
  /** The highest number of a bundle. */
  number: 999_999,
  /** Keys that one manifest may announce, and signatures of one envelope. */
  keys: 16,
  signatures: 16,
  /** Characters of what was selected, a pattern each. */
  patterns: 10_000,
  pattern: 256,
  /** One member as it lies in the archive: what eleven octal digits can say (POSIX ustar). */
  member: 8 * 1024 ** 3 - 1,
  /** A document that is compressed, before that: the list of all projects is the largest. */
  document: 128 * 1024 * 1024,
  /** All members together. */
  body: 64 * 1024 ** 4,
  /** Characters. */
  name: 512,
  url: 4096,
  reason: 1000,
  /** A key file. */
  keyFile: 16 * 1024,
} as const;
