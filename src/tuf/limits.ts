/** What one document, chain or search may cost. Bytes where not said otherwise. */
export const LIMITS = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 8 * 1024 * 1024,
  targets: 64 * 1024 * 1024,
  /** Of a targets role whose length no snapshot announced: until its signatures are counted, it is a stranger's. */
  unannouncedTargets: 8 * 1024 * 1024,
  /** New roots in one refresh. */
  rootsPerRefresh: 1024,
  /** Visits of delegated roles in one search; beyond it an error, never "absent". */
  visitsPerSearch: 32,
  jsonDepth: 64,
  /**
   * Values in one document: arrays, objects and scalars together, 150 bytes of memory each. 64 MiB of targets as
   * repositories write them, with a length and a digest in 170 bytes or more, are 2,000,000.
   */
  jsonValues: 2_500_000,
  /** Fewer where the document is short: one value for so many bytes, as the shortest prefixes of hashed bins are written. */
  bytesPerValue: 6,
  /** So many in any document. */
  fewValues: 100_000,
  /**
   * Values in one root. All that the limits below allow at once, 1,024 keys of eight values, 256 keyids in each role and
   * 2,048 signatures of three, is 15,400. A root is judged before it is known who wrote it: this bounds what that costs.
   */
  rootValues: 16_000,
  /** Digits of one integer. */
  jsonDigits: 100,
  /** Keys a root may list, and keyids one role may name. */
  rootKeys: 1024,
  roleKeys: 256,
  signatures: 2048,
  /** Characters. */
  roleName: 512,
  targetPath: 8192,
  pathPattern: 2048,
  /** Characters of an encoded public key. */
  publicKey: 16_384,
} as const;
