import { within } from '../async/timeout.ts';
import { type Abilities, tryBucket } from './abilities.ts';
import type { S3Client } from './client.ts';
import { PROBE_PAUSE_MS, PROBE_WAIT_MS } from './limits.ts';
import { isAway } from './reach.ts';

interface TrialOptions {
  readonly client: S3Client;
  /** What was found out; once. Must not throw. */
  readonly onFound: (abilities: Abilities) => void;
  /** Trying it failed in a way that says nothing of the bucket. Must not throw. */
  readonly onTrouble: (error: unknown) => void;
  readonly waitMs?: number | undefined;
  readonly pauseMs?: number | undefined;
}

/** Finds out once what a bucket can do, and again until it could be asked. */
export class Trial {
  readonly #options: TrialOptions;
  #found: Abilities | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  /** Undefined for as long as it could not be asked. */
  get found(): Abilities | undefined {
    return this.#found;
  }

  /** Resolves when it is known, or a start has waited long enough; never rejects. */
  async start(): Promise<void> {
    await within(this.#options.waitMs ?? PROBE_WAIT_MS, this.#try(), undefined);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #try(): Promise<void> {
    const { client, onFound, onTrouble, pauseMs = PROBE_PAUSE_MS } = this.#options;
    try {
      this.#found = await tryBucket(client);
      if (!this.#isClosed) onFound(this.#found);
    } catch (error) {
      if (this.#isClosed) return;
      // A bucket that is away is told by whoever wants something of it.
      if (!isAway(error)) onTrouble(error);
      this.#timer = setTimeout(() => void this.#try(), pauseMs).unref();
    }
  }
}
