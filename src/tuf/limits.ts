/** What one document, chain or search may cost (DESIGN §5 "Limits"). Bytes where not said otherwise. */
export const LIMITS = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 8 * 1024 * 1024,
  targets: 64 * 1024 * 1024,
  /** New roots in one refresh. */
  rootsPerRefresh: 1024,
  /** Delegated roles in one search; beyond it an error, never "absent". */
  rolesPerSearch: 32,
  jsonDepth: 64,
  /** Values in one document: arrays, objects and scalars together. */
  jsonValues: 8_000_000,
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
