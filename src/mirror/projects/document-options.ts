import type { Background } from '../../async/background.ts';
import type { Refusal, Subject } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Lease } from '../../ports/lease.ts';
import type { Evidence } from '../evidence.ts';
import type { Breaker } from './breaker.ts';
import type { Drawer } from './drawing.ts';
import type { Reports } from './reports.ts';

/** What documents of one kind are made of. */
export interface KeptDocumentsOptions<P, V> {
  readonly index: string;
  readonly subject: Extract<Subject, 'page' | 'list'>;
  readonly evidence: Evidence<P>;
  readonly drawer: Drawer<P, V>;
  readonly clock: Clock;
  readonly reports: Reports;
  readonly background: Background;
  readonly breaker: Breaker;
  /** Who asks upstream, where other processes on the same state could, too. */
  readonly lease?: Lease | undefined;
  readonly maxAge?: number | undefined;
  /** Seconds after a failure before it is asked for again; five unless stated. */
  readonly backOff?: number | undefined;
  /** Bytes. */
  readonly memory: number;
  /** True where what there is no room for stays in memory all the same, one document, as long as it is asked for. */
  readonly staysInUse?: boolean | undefined;
  /** What a client is told of a document that there is not, and for how long that may be kept. */
  readonly absent: (name: string, seconds: number) => Refusal;
  /** Whether the name of a document that there is not is kept for it; left out where no name is. Must not reject. */
  readonly isKept?: ((name: string) => Promise<boolean>) | undefined;
  /** True where even what was never had is not asked for again right after a failure. */
  readonly backOffCold?: boolean | undefined;
}
