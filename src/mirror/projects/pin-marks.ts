import { Soon } from '../../async/soon.ts';
import type { PinMark, Pins } from '../../ports/index-state.ts';
import type { Reports } from './reports.ts';

/** What is known of files is written into their pins so long after the first: what comes meanwhile is written with it. Milliseconds. */
const TOLD_SOON_MS = 250;
/** Files remembered as having nothing left to confirm. */
const MOST_SETTLED = 50_000;

interface PinMarksOptions {
  readonly pins: Pick<Pins, 'mark'>;
  readonly reports: Pick<Reports, 'noted'>;
}

/**
 * What became known of files, on its way into their pins: one version a project, all projects together. A key is a file's path
 * here, which holds a digest, or that path with `.metadata`.
 */
export class PinMarks {
  readonly #options: PinMarksOptions;
  /** Keys with nothing left to confirm: what is sent of them needs no look at its pin. */
  readonly #settled = new Set<string>();
  /** By project, and by key. */
  readonly #unwritten = new Map<string, Map<string, PinMark>>();
  /** By project, what is being written. */
  readonly #writing = new Map<string, Promise<void>>();
  readonly #soon = new Soon(TOLD_SOON_MS, () => this.#writeAll());

  constructor(options: PinMarksOptions) {
    this.#options = options;
  }

  isSettled(key: string): boolean {
    return this.#settled.has(key);
  }

  waits(project: string, key: string): boolean {
    return this.#unwritten.get(project)?.has(key) === true;
  }

  /** Resolves when it is written, a moment later. */
  async tell(project: string, key: string, mark: PinMark): Promise<void> {
    const before = this.#unwritten.get(project) ?? new Map<string, PinMark>();
    this.#unwritten.set(project, before.set(key, mark));
    await this.#soon.ask();
  }

  /** Resolves when what waits now is written. */
  written(): Promise<void> {
    return this.#soon.ask();
  }

  /** What would be written in a moment is written now; whoever asked for it waits for it. */
  hurry(): void {
    this.#soon.now();
  }

  /** All that is told of one project by now is written when this resolves, whoever began to write it. Does not throw. */
  async write(project: string): Promise<void> {
    for (let other = this.#writing.get(project); other !== undefined; other = this.#writing.get(project)) await other;
    const marks = this.#unwritten.get(project);
    if (marks === undefined) return;
    this.#unwritten.delete(project);
    const writing = this.#write(project, marks).finally(() => this.#writing.delete(project));
    this.#writing.set(project, writing);
    await writing;
  }

  async #write(project: string, marks: ReadonlyMap<string, PinMark>): Promise<void> {
    const { pins, reports } = this.#options;
    try {
      const known = await pins.mark(project, [...marks.values()]);
      for (const [key, { file, digests }] of marks) {
        const pin = known.get(file);
        if (pin?.provisional !== true && (digests !== undefined || pin?.coreMetadata !== undefined)) this.#settle(key);
      }
    } catch (error) {
      for (const { file } of marks.values())
        reports.noted('a pin could not be marked as proved', { file, error: String(error) });
    }
  }

  /** The file at this path may have another pin from now on. */
  unsettle(path: string): void {
    this.#settled.delete(path);
    this.#settled.delete(`${path}.metadata`);
  }

  async #writeAll(): Promise<void> {
    await Promise.all([...this.#unwritten.keys()].map((project) => this.write(project)));
  }

  #settle(key: string): void {
    if (this.#settled.size >= MOST_SETTLED) this.#settled.clear();
    this.#settled.add(key);
  }
}
