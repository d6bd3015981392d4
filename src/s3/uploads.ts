import { within } from '../async/timeout.ts';
import { isDigest } from '../bytes/digest.ts';
import type { UsageRecord } from '../ports/blob-storage.ts';
import { UPLOAD_GRACE_MS, UPLOAD_PAUSE_MS, UPLOADS_AT_ONCE, UPLOADS_WAITING, WAITING_RECORD_MS } from './limits.ts';

interface UploadsOptions {
  /** Uploads one, and resolves once others see it; false where there is nothing to upload. */
  readonly upload: (sha256: string, signal: AbortSignal) => Promise<boolean>;
  /** What waits, for the next start. */
  readonly record: UsageRecord;
  readonly onTrouble: (error: unknown) => void;
  readonly pauseMs?: number | undefined;
}

/** What lies on this machine's disk alone and is on its way to the bucket: few at once, again until it is there. */
export class Uploads {
  readonly #options: UploadsOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #closing = new AbortController();
  #pause: NodeJS.Timeout | undefined;
  #recording: NodeJS.Timeout | undefined;
  #isDifferent = false;
  #dropped = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Of files that are in the bucket not yet. */
  get count(): number {
    return this.#waiting.size + this.#running.size;
  }

  /** That stay on this machine for good, because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  has(sha256: string): boolean {
    return this.#waiting.has(sha256) || this.#running.has(sha256);
  }

  /** What an earlier process left. */
  async restore(): Promise<void> {
    const text = Buffer.from((await this.#options.record.read()) ?? []).toString('latin1');
    for (const sha256 of text.split('\n')) if (isDigest('sha256', sha256)) this.add(sha256);
  }

  add(sha256: string): void {
    this.#waiting.add(sha256);
    const [oldest] = this.#waiting;
    if (this.#waiting.size > UPLOADS_WAITING && oldest !== undefined) {
      this.#waiting.delete(oldest);
      this.#dropped++;
    }
    this.#changed();
    this.#next();
  }

  /** Uploads it now; false where there is nothing to upload. Rejects where it could not be done: it waits again then. */
  async now(sha256: string): Promise<boolean> {
    const running = this.#running.get(sha256);
    if (running !== undefined && !this.#waiting.has(sha256)) return running;
    await running?.catch(() => undefined);
    return this.#run(sha256);
  }

  /** It need not go there any more; one under way is waited for. */
  async drop(sha256: string): Promise<void> {
    this.#waiting.delete(sha256);
    await this.#running.get(sha256)?.catch(() => undefined);
    this.#waiting.delete(sha256);
    this.#changed();
  }

  /** Those under way have a moment to end; the rest waits for the next start. */
  async close(): Promise<void> {
    clearTimeout(this.#pause);
    clearTimeout(this.#recording);
    const running = [...this.#running.keys()];
    const ended = Promise.allSettled(this.#running.values());
    this.#isClosing = true;
    await within<unknown>(UPLOAD_GRACE_MS, ended, undefined);
    for (const sha256 of running) if (this.#running.has(sha256)) this.#waiting.add(sha256);
    this.#closing.abort(new Error('the mirror ends'));
    await Promise.allSettled(this.#running.values());
    clearTimeout(this.#pause);
    clearTimeout(this.#recording);
    await this.#save();
  }

  #isClosing = false;

  #next(): void {
    if (this.#pause !== undefined || this.#isClosing) return;
    for (const sha256 of this.#waiting) {
      if (this.#running.size >= UPLOADS_AT_ONCE) return;
      if (!this.#running.has(sha256)) this.#run(sha256).catch((error) => this.#failed(error));
    }
  }

  #run(sha256: string): Promise<boolean> {
    this.#waiting.delete(sha256);
    const running = this.#options.upload(sha256, this.#closing.signal);
    this.#running.set(sha256, running);
    const ended = () => {
      if (this.#running.get(sha256) === running) this.#running.delete(sha256);
      this.#changed();
      this.#next();
    };
    running.then(ended, () => {
      this.#waiting.add(sha256);
      ended();
    });
    return running;
  }

  #failed(error: unknown): void {
    if (this.#isClosing) return;
    if (this.#pause === undefined) this.#options.onTrouble(error);
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.#next();
    }, this.#options.pauseMs ?? UPLOAD_PAUSE_MS).unref();
  }

  #changed(): void {
    this.#isDifferent = true;
    if (this.#isClosing) return;
    this.#recording ??= setTimeout(() => {
      this.#recording = undefined;
      void this.#save();
    }, WAITING_RECORD_MS).unref();
  }

  async #save(): Promise<void> {
    if (!this.#isDifferent) return;
    this.#isDifferent = false;
    const lines = [...new Set([...this.#waiting, ...this.#running.keys()])].map((sha256) => `${sha256}\n`);
    await this.#options.record.write(Buffer.from(lines.join(''))).catch(this.#options.onTrouble);
  }
}
