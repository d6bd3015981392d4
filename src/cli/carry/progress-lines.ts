import type { Progress } from '../../bundle/export/export.ts';
import { say } from '../output.ts';

const EVERY_MS = 2000;

/** How far an export has come, a line now and then; nothing for machines. */
export class ProgressLines {
  readonly #isQuiet: boolean;
  #began = performance.now();
  #said = performance.now();
  #phase: Progress['phase'] | undefined;

  constructor(isQuiet: boolean) {
    this.#isQuiet = isQuiet;
  }

  at(progress: Progress): void {
    const now = performance.now();
    if (progress.phase !== this.#phase) {
      this.#phase = progress.phase;
      this.#began = now;
    }
    if (this.#isQuiet || now - this.#said < EVERY_MS) return;
    this.#said = now;
    say(lineOf(progress, (now - this.#began) / 1000));
  }
}

function lineOf(progress: Progress, seconds: number): string {
  if (progress.phase === 'looking') return `${progress.items} pages, documents and files looked at`;
  const { bytes, of } = progress;
  const rate = bytes / seconds;
  const left = Math.ceil((of - bytes) / rate);
  return `${megabytes(bytes)} of ${megabytes(of)} MB written, ${megabytes(rate)} MB/s, ${left} s left`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
