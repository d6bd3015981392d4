/** What one provenance object may cost. */
export const LIMITS = {
  /** Bytes; PyPI's are some 10 KB an attestation. */
  provenance: 4 * 1024 * 1024,
  /** JSON values in it. */
  values: 20_000,
  bundles: 16,
  attestations: 32,
  /** Entries of a transparency log, and signed timestamps, of one attestation. */
  entries: 4,
  timestamps: 4,
  /** Hashes of one proof of inclusion: a log of 2^64 entries needs no more. */
  hashes: 64,
  /** Bytes of a trusted root: Sigstore's has 7 KB. */
  trustedRoot: 1024 * 1024,
} as const;
