import type { Digests } from '../bytes/digest.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Authority } from './authority.ts';

export const TOP_LEVEL_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopLevelRole = (typeof TOP_LEVEL_ROLES)[number];

interface Common {
  readonly version: number;
  readonly expires: Instant;
}

/** TUF §4.3 */
export interface Root extends Common {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly roles: ReadonlyMap<TopLevelRole, Authority>;
}

/** What a timestamp or snapshot says of another metadata file (TUF §4.4). */
export interface MetaFile {
  readonly version: number;
  readonly length: number | undefined;
  readonly digests: Digests | undefined;
}

/** TUF §4.6 */
export interface Timestamp extends Common {
  readonly type: 'timestamp';
  readonly snapshot: MetaFile;
}

/** TUF §4.4; keyed by file name (`targets.json`). */
export interface Snapshot extends Common {
  readonly type: 'snapshot';
  readonly meta: ReadonlyMap<string, MetaFile>;
}

/** What proves a target; `digests` is empty where only unknown algorithms are listed, and nothing may be proved by it. */
export interface TargetFile {
  readonly length: number;
  readonly digests: Digests;
}

/** TUF §4.5: a role trusted for some paths. */
export interface Delegation {
  readonly name: string;
  readonly authority: Authority;
  readonly terminating: boolean;
}

/** How a role's delegations answer "who next for this path", in listed order. */
export interface Delegations {
  /** Delegations trusted for this path, in the order to visit. */
  childrenFor(path: string): readonly Delegation[];
  /** By name; for a succinct delegation only the names of its own bins (TAP 15). */
  named(role: string): Delegation | undefined;
  /** Names of listed roles, in order; the bins of a succinct delegation delegate no further and are not counted up. */
  readonly names: Iterable<string>;
  readonly count: number;
}

/** TUF §4.5 */
export interface Targets extends Common {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
}

export type Signed = Root | Timestamp | Snapshot | Targets;
