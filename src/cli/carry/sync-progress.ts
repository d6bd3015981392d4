import type { Progress } from '../../sync/report.ts';
import { printJsonLine, say, sayOver } from '../output.ts';

/** Between two looks at it. Milliseconds. */
const ON_TERMINAL_MS = 200;
const IN_JSON_MS = 1000;
const IN_LINES_MS = 10_000;

/** Shows how a sync stands until it is ended: one line on a terminal, lines elsewhere, or JSON. */
export class ProgressShown {
  readonly #isJson: boolean;
  readonly #timer: NodeJS.Timeout;
  #now: Progress | undefined;
  #all: Progress | undefined;
  #since = performance.now();
  #lastLine = performance.now();

  constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#timer = setInterval(() => this.#show(), isJson ? IN_JSON_MS : ON_TERMINAL_MS).unref();
  }

  /** `all`: what was counted before. */
  begin(now: Progress, all: Progress): void {
    this.#now = now;
    this.#all = all;
    this.#since = performance.now();
  }

  end(): void {
    clearInterval(this.#timer);
    if (!this.#isJson) sayOver('');
  }

  #show(): void {
    if (this.#now === undefined || this.#all === undefined) return;
    if (this.#isJson) {
      printJsonLine({ event: 'progress', ...this.#now, of: this.#all.files, ofBytes: this.#all.bytes });
      return;
    }
    const line = progressLine(this.#now, this.#all, (performance.now() - this.#since) / 1000);
    if (sayOver(line) || performance.now() - this.#lastLine < IN_LINES_MS) return;
    this.#lastLine = performance.now();
    say(line);
  }
}

/** Files, bytes, rate, and the time that is left at that rate. */
export function progressLine(now: Progress, all: Progress, seconds: number): string {
  const done = now.fetched + now.held + now.failed;
  const left = Math.max(0, all.bytes - now.fetchedBytes - now.heldBytes);
  const rate = seconds > 0 ? now.fetchedBytes / seconds : 0;
  const parts = [
    `${done} of ${all.files} files`,
    `${megabytes(now.fetchedBytes + now.heldBytes)} of ${megabytes(all.bytes)}`,
    `${megabytes(rate)}/s`,
    ...(rate > 0 ? [`${duration(left / rate)} left`] : []),
    ...(now.failed > 0 ? [`${now.failed} failed`] : []),
    ...(now.retries > 0 ? [`${now.retries} tried again`] : []),
  ];
  return parts.join(', ');
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
