import type { Config } from '../../config/config.ts';
import type { EvidenceKind } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { News } from '../../ports/peers.ts';
import type { Readings } from '../../telemetry/several.ts';

// What the supervisor and its workers say to each other. Both are this program, in the same version.

/** What a worker is started with. */
export interface Beginning {
  readonly version: string;
  /** Of the whole server, and what of it is this worker's. */
  readonly config: Config;
  readonly newTrust: ReadonlyMap<string, string> | undefined;
  /** From 1 on; whoever replaces a worker has its number. */
  readonly number: number;
  /** Where the supervisor listens. */
  readonly url: string;
}

/** What a worker knows once it answers. */
export interface Readiness {
  readonly indexes: readonly { readonly name: string; readonly evidence: EvidenceKind }[];
  readonly defaultIndex: string;
  readonly conditions: readonly Condition[];
}

export type ToWorker =
  | { readonly kind: 'begin'; readonly beginning: Beginning }
  /** With a connection. `sentAt`: when, by the system's monotonic clock, in milliseconds. */
  | { readonly kind: 'connection'; readonly id: number; readonly sentAt: number }
  /** Whether it has the key it asked for, and the token that it is released by. */
  | { readonly kind: 'taken'; readonly id: number; readonly token: number | undefined }
  /** A key may be taken again. */
  | { readonly kind: 'free'; readonly key: string }
  /** What another worker tells; it is answered when it is followed. */
  | { readonly kind: 'news'; readonly id: number; readonly news: News }
  /** All others have followed what it told under that number, or are not waited for. */
  | { readonly kind: 'told'; readonly id: number }
  /** What it counts and measures is asked for. */
  | { readonly kind: 'scrape'; readonly id: number }
  /** A line as a command writes it to a control socket. */
  | { readonly kind: 'command'; readonly id: number; readonly line: string }
  | { readonly kind: 'reload' }
  /** The server is about to stop: it is not ready any more, and serves. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'stop' };

export type ToSupervisor =
  | { readonly kind: 'ready'; readonly readiness: Readiness }
  /** It cannot start, in words for people. */
  | { readonly kind: 'failed'; readonly lines: readonly string[] }
  /** It has the connection of that number, or has left it to another. */
  | { readonly kind: 'connection'; readonly id: number; readonly taken: boolean; readonly open: number }
  /** Said regularly, and when it changes: how many connections are open. */
  | { readonly kind: 'open'; readonly open: number }
  | { readonly kind: 'take'; readonly id: number; readonly key: string }
  /** For the others; it is told when they have followed. */
  | { readonly kind: 'news'; readonly id: number; readonly news: News }
  /** It has followed what it was told under that number. */
  | { readonly kind: 'followed'; readonly id: number }
  /** The line that answers it. */
  | { readonly kind: 'done'; readonly id: number; readonly line: string }
  | { readonly kind: 'scraped'; readonly id: number; readonly readings: Readings }
  /** Said regularly: what of its metrics only goes up. */
  | { readonly kind: 'totals'; readonly readings: Readings }
  /** It waits for a key: it is told when that is free. */
  | { readonly kind: 'watch'; readonly key: string }
  | { readonly kind: 'release'; readonly key: string; readonly token: number }
  /** It ends by a signal of its own: nothing new is for it. */
  | { readonly kind: 'stopping' };

/** Milliseconds by a clock that all processes of this machine share, and that never goes back. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
