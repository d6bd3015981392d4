/** Refusals that one word can let through together: an older page (`regressed`), another digest of a file (`changed`). */
export const BULK_REASONS = ['regressed', 'changed'] as const;
export type BulkReason = (typeof BULK_REASONS)[number];
