import type { Blob } from '../bytes/blob.ts';
import type { Expected } from '../bytes/expected.ts';
import type { Subject } from '../bytes/refusal.ts';
import type { OpenDownload } from './upstream.ts';

/** A file that is wanted: what its bytes must be, and the identity one download is shared by. */
export interface Wanted {
  /** Index name and URL; waiters on the same `origin` and expectation share one download (DESIGN J2). */
  readonly origin: string;
  readonly expected: Expected;
  /** Most bytes to accept, for expectations without a length. */
  readonly limit: number;
  /** For log lines and refusals. */
  readonly name: string;
  readonly subject: Subject;
}

export interface Blobs {
  /** The held blob that proves `expected`; its first touch after start hashes it whole. Undefined where none is held or it no longer proves. */
  open(expected: Expected): Promise<Blob | undefined>;
  /** The held blob, or the one download that fills it; resolves when the whole is proved and durable. Throws Refusal. `signal` ends the caller's wait, not the download. */
  fetch(want: Wanted, download: OpenDownload, signal?: AbortSignal): Promise<Blob>;
  /** Held at this moment as far as the store's own record knows; a hint, never a proof. */
  holds(expected: Expected): boolean;
}
