import { printJsonLine, say, sayOver } from '../output.ts';

// How something that takes its time stands: sync, export and import show it alike.

/** Between two looks at it. Milliseconds. */
const ON_TERMINAL_MS = 200;
const IN_JSON_MS = 1000;
const IN_LINES_MS = 10_000;

/** What is shown of it. */
export interface Shown {
  /** `seconds`: since it began. */
  line(seconds: number): string;
  /** For machines; absent where they are told what came of it, and nothing before. */
  json?(): object;
}

/** Shows how it stands until it is ended: one line on a terminal, lines elsewhere, or JSON. */
export class ProgressShown {
  readonly #isJson: boolean;
  readonly #timer: NodeJS.Timeout;
  #shown: Shown | undefined;
  #since = performance.now();
  #lastLine = performance.now();

  constructor(isJson: boolean) {
    this.#isJson = isJson;
    this.#timer = setInterval(() => this.#show(), isJson ? IN_JSON_MS : ON_TERMINAL_MS).unref();
  }

  /** From now on this is shown. */
  begin(shown: Shown): void {
    this.#shown = shown;
    this.#since = performance.now();
  }

  /** Takes it away, so that something else can be said; the next one may begin. */
  pause(): void {
    this.#shown = undefined;
    if (!this.#isJson) sayOver('');
  }

  end(): void {
    clearInterval(this.#timer);
    this.pause();
  }

  #show(): void {
    const shown = this.#shown;
    if (shown === undefined) return;
    if (this.#isJson) {
      if (shown.json !== undefined) printJsonLine(shown.json());
      return;
    }
    const line = shown.line((performance.now() - this.#since) / 1000);
    if (sayOver(line) || performance.now() - this.#lastLine < IN_LINES_MS) return;
    this.#lastLine = performance.now();
    say(line);
  }
}

/** `moved` bytes took so long, and `left` are to come: the rate, and the time that is left at that rate. */
export function rateParts({ moved, left, seconds }: { moved: number; left: number; seconds: number }): string[] {
  const rate = seconds > 0 ? moved / seconds : 0;
  return [`${megabytes(rate)}/s`, ...(rate > 0 ? [`${duration(left / rate)} left`] : [])];
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
