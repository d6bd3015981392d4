import type { Background } from '../../async/background.ts';
import type { TrustStore } from '../../ports/index-state.ts';
import type { Lease } from '../../ports/lease.ts';
import type { MetadataFor } from '../../ports/upstream.ts';
import type { Runner } from '../../tuf/sliced.ts';
import type { CarriedTime } from '../carried/time.ts';
import type { CommonMetadata } from '../common-documents.ts';
import type { Reports } from '../projects/reports.ts';
import type { FlooredClock } from './clock-floor.ts';

/** What a keeper is made of. */
export interface KeeperOptions {
  readonly index: string;
  readonly pinnedRoot: Uint8Array;
  readonly isSameRoot?: boolean | undefined;
  readonly store: TrustStore;
  readonly source: MetadataFor;
  readonly clock: FlooredClock;
  readonly runner: Runner;
  readonly reports: Reports;
  readonly background: Pick<Background, 'add'>;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** Who asks upstream, where other processes on the same state could, too. */
  readonly lease?: Lease | undefined;
  /** True where upstream is never asked. */
  readonly offline: boolean;
  /** Of an index that arrives by import: how old that may be. */
  readonly time?: Pick<CarriedTime, 'isSpent' | 'refusal'> | undefined;
  readonly shared?: CommonMetadata | undefined;
  readonly onBelieved?: ((timestamp: Uint8Array) => void) | undefined;
}
