/**
 * What an operator should know of how this mirror stands, and by how much it matters: `info` where a setting says so, `warn` where something
 * will hurt. Closed: it labels a metric.
 */
export const CONDITIONS = {
  'reference-time': 'info',
  offline: 'info',
  public: 'info',
  'clear-text-passwords': 'warn',
  'insecure-upstream': 'warn',
  'any-public-host': 'info',
  'first-sight': 'info',
  reuploads: 'info',
  removed: 'info',
  quarantined: 'info',
  'stale-forever': 'info',
  'exposed-secret': 'warn',
  redis: 'warn',
  'redis-unsealed': 'warn',
  certificate: 'warn',
  clock: 'warn',
  disk: 'warn',
  unwritable: 'warn',
  'access-record': 'warn',
  'requests-record': 'warn',
  bucket: 'warn',
  'bucket-behind': 'warn',
  'bucket-unfit': 'warn',
  redirects: 'warn',
  'bucket-grows': 'info',
  partitioned: 'warn',
  'fleet-grows': 'warn',
  peer: 'warn',
  'import-age': 'warn',
  advisories: 'warn',
  'sigstore-root': 'warn',
} as const satisfies Readonly<Record<string, 'info' | 'warn'>>;

export type ConditionName = keyof typeof CONDITIONS;

/** One thing that is so at this moment. */
export interface Condition {
  readonly what: ConditionName;
  /** Whose it is; empty where all share it. */
  readonly index: string;
  /** Tells those of one kind apart: a path, or nothing. */
  readonly thing: string;
  /** A sentence with the setting that would change it, and no secret. */
  readonly message: string;
}
