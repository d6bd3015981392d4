import type { Background } from '../../async/background.ts';
import type { Lease } from '../../ports/lease.ts';
import type { CarriedTime } from '../carried/time.ts';
import type { RefresherOptions } from './refresher.ts';

/** What a keeper is made of. */
export interface KeeperOptions extends RefresherOptions {
  readonly background: Pick<Background, 'add'>;
  /** Seconds after which a request makes a refresh start behind it. */
  readonly refreshAfter: number;
  /** Who asks upstream, where other processes on the same state could, too. */
  readonly lease?: Lease | undefined;
  /** True where upstream is never asked. */
  readonly offline: boolean;
  /** Of an index that arrives by import: how old that may be. */
  readonly time?: Pick<CarriedTime, 'isSpent' | 'refusal'> | undefined;
}
