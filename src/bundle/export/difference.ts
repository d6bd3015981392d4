import type { Change, Entry } from '../format/model.ts';
import { compareEntries } from '../format/order.ts';
import type { HeldItem } from './held.ts';
import type { StateLine } from './state-lines.ts';

/** One thing as it was in the base, as it is now, or both. */
export interface Difference {
  readonly was?: StateLine | undefined;
  readonly now?: HeldItem | undefined;
}

/** Joins two listings that stand in the order of a manifest; neither is held in memory. */
export async function* differences(
  before: AsyncIterator<StateLine>,
  now: AsyncIterable<HeldItem>,
): AsyncGenerator<Difference, void, undefined> {
  let was = await before.next();
  for await (const item of now) {
    while (was.done !== true && compareEntries(ordered(was.value), ordered(item.entry)) < 0) {
      yield { was: was.value };
      was = await before.next();
    }
    if (was.done !== true && compareEntries(ordered(was.value), ordered(item.entry)) === 0) {
      yield { was: was.value, now: item };
      was = await before.next();
    } else yield { now: item };
  }
  for (; was.done !== true; was = await before.next()) yield { was: was.value };
}

/** What people are told, and the far side, of what became of projects and files. Asked in the order of differences. */
export class Changes {
  readonly #gone: ReadonlySet<string>;
  /** The pages that were seen last: what is missing of a project is told of before the next but one. */
  readonly #pages: { readonly project: string; readonly lists: (filename: string) => boolean }[] = [];
  /** Of this one a change was told as a whole. */
  #lost: string | undefined;

  /** `gone`: projects that upstream has no more, as far as they were come by. */
  constructor(gone: ReadonlySet<string>) {
    this.#gone = gone;
  }

  of({ was, now }: Difference): readonly Change[] {
    if (now?.lists !== undefined && now.entry.project !== undefined) {
      this.#pages.push({ project: now.entry.project, lists: now.lists });
      if (this.#pages.length > 2) this.#pages.shift();
    }
    if (was === undefined || was.project === undefined) return [];
    return now === undefined ? this.#missing(was, was.project) : marked(was, now, was.project);
  }

  #missing({ kind, name }: StateLine, project: string): readonly Change[] {
    if (kind === 'page') {
      this.#lost = project;
      return [{ change: this.#gone.has(project) ? 'removed' : 'left-out', project }];
    }
    if (kind !== 'file' || name === undefined || project === this.#lost) return [];
    const page = this.#pages.find((each) => each.project === project);
    return [{ change: page?.lists(name) === false ? 'removed' : 'left-out', project, name }];
  }
}

function marked(was: StateLine, { mark, entry }: HeldItem, project: string): readonly Change[] {
  if (was.mark === mark) return [];
  const named = entry.name === undefined ? { project } : { project, name: entry.name };
  const { mark: before } = was;
  return [
    ...(before === undefined ? [] : [{ change: `un${before}` as const, ...named }]),
    ...(mark === undefined ? [] : [{ change: mark, ...named }]),
  ];
}

function ordered(named: Pick<Entry, 'kind' | 'project' | 'name' | 'version' | 'sha256' | 'size'>): Entry {
  return { ...named, bytes: 'held' };
}
