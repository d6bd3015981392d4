import { type Fault, isFault, type LeftOut } from '../../pypi/project-page.ts';

/** Projects whose left-out lines are counted one by one; beyond it they are not. */
const MOST_PROJECTS = 100_000;

/** Lines that the pages in force do not pass on, by why. A page drawn again counts once. */
export class LeftOutLines {
  readonly #pages = new Map<string, LeftOut>();

  /** The page of a project that is in force now. */
  put(project: string, lines: LeftOut): void {
    this.#pages.delete(project);
    if (lines.size > 0 && this.#pages.size < MOST_PROJECTS) this.#pages.set(project, lines);
  }

  remove(project: string): void {
    this.#pages.delete(project);
  }

  get totals(): ReadonlyMap<string, number> {
    const totals = new Map<string, number>();
    for (const lines of this.#pages.values())
      for (const [why, count] of lines) totals.set(why, (totals.get(why) ?? 0) + count);
    return totals;
  }
}

/** The lines of one page as a note beside it. */
export function noteOf(lines: LeftOut): string {
  return [...lines].map(([why, count]) => `${why} ${count}`).join('\n');
}

/** What `noteOf` wrote. */
export function readLeftOut(note: string): LeftOut {
  const lines = new Map<Fault, number>();
  for (const line of note.split('\n')) {
    const [why = '', count] = line.split(' ');
    if (isFault(why)) lines.set(why, Number(count));
  }
  return lines;
}
