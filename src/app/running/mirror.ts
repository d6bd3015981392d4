import type { Socket } from 'node:net';
import type { Config } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { News, Peers } from '../../ports/peers.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Metrics } from '../../telemetry/metrics.ts';

/** A mirror that runs, as whoever started it has it. */
export interface RunningMirror {
  /** `http://127.0.0.1:3141`, without a slash at the end. */
  readonly url: string;
  readonly indexes: readonly PackageIndex[];
  /** The name of the one that also lies at the root. */
  readonly defaultIndex: string;
  readonly log: Log;
  readonly metricsUrl: string | undefined;
  /** What an operator should know of it, as of the last look. */
  readonly conditions: readonly Condition[];
  /** Reads the certificate, the users and the tokens again; what is unusable is logged, and the old stays. */
  reload(): void;
  /** From now on it is not ready, and connections end with their next answer; it serves all the same. */
  leave(): void;
  /** Lets answers under way end, then closes the store. */
  close(): Promise<void>;
  /** A connection that another process accepted; false where none is taken any more. */
  take(connection: Socket): boolean;
  /** Connections of clients that are open. */
  readonly open: number;
  /** Does what another process of this server asks by what it tells. Never rejects. */
  follow(news: News): Promise<void>;
  /** The line that answers a command's, where another process has its words. */
  answer(line: string): Promise<string>;
  /** What it counts and measures, for a process that answers for several. */
  readonly readings: Metrics['readings'];
}

export interface MirrorOptions {
  readonly config: Config;
  readonly newTrust?: ReadonlyMap<string, string> | undefined;
  /** Where operators' metrics are served. */
  readonly admin?: { readonly host: string; readonly port: number } | undefined;
  readonly log?: Log | undefined;
  /** Where another process listens, and hands on connections. */
  readonly behind?: string | undefined;
  /** The other processes of this server, where it has several. */
  readonly peers?: Peers | undefined;
}
