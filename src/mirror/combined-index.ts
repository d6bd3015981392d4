import { askingOf, type Caller } from '../async/caller.ts';
import { createFlights, type Flights } from '../async/flight.ts';
import { yieldToEventLoop } from '../async/yield.ts';
import type { PageWork } from '../ports/page-work.ts';
import { matchesGlob } from '../pypi/requirement/name-glob.ts';
import { makePage, type Page } from '../render/page.ts';
import { namesOfListJson, renderListJson } from '../render/render-json.ts';
import type { Life } from './evidence.ts';
import type { PackageIndex, ServedPage } from './package-index.ts';

/** A member with the names that are its own. */
export interface Member {
  readonly index: Pick<PackageIndex, 'name' | 'list'>;
  /** Globs on normalized names. */
  readonly owned: readonly string[];
}

interface CombinedOptions {
  readonly name: string;
  /** In the order that they are asked in. */
  readonly members: readonly Member[];
  readonly work: Pick<PageWork, 'drawList'>;
}

/** A millisecond of work. */
const NAMES_A_TURN = 2000;

/**
 * One address over several indexes: which of them may have a project, and the list of all that they have. A name that one of them
 * owns is that one's alone. Any other is the first one's that has it: whoever comes behind is asked only when those before have
 * proved that they do not.
 */
export class CombinedIndex {
  readonly name: string;
  /** Names of the members, in their order. */
  readonly of: readonly string[];
  readonly #options: CombinedOptions;
  readonly #drawing: Flights<ServedPage> = createFlights();
  /** What was drawn last, and of which lists: drawn again when one of them is another. */
  #drawn: { readonly lists: readonly Page[]; readonly page: Page } | undefined;

  constructor(options: CombinedOptions) {
    this.#options = options;
    this.name = options.name;
    this.of = options.members.map(({ index }) => index.name);
  }

  /** Names of the members that may have the project, in the order that they are asked in: its owner's alone, where it is owned. */
  askedFor(project: string): readonly string[] {
    const owner = this.#ownerOf(project);
    return owner === undefined ? this.of : [owner];
  }

  /** What the members list, each name once. Throws as the first member does that has no list to give: a part of it would pass for all. */
  list(caller: Caller): Promise<ServedPage> {
    return this.#drawing.join('', caller, (shared) => this.#list(shared));
  }

  #ownerOf(project: string): string | undefined {
    return this.#options.members.find(({ owned }) => owned.some((glob) => matchesGlob(glob, project)))?.index.name;
  }

  async #list(caller: Caller): Promise<ServedPage> {
    const { members, work } = this.#options;
    const served: ServedPage[] = [];
    for (const { index } of members) served.push(await index.list(askingOf(caller, index.name)));
    const lists = served.map(({ page }) => page);
    const life = shortestOf(served.map((each) => each.life));
    const last = this.#drawn;
    if (last !== undefined && lists.every((page, at) => page === last.lists[at])) return { page: last.page, life };
    const names = new Set<string>();
    for (const [at, page] of lists.entries()) await this.#collect(names, page, this.of[at]);
    // It holds to the limits of any list.
    const page = makePage(await work.drawList(renderListJson([...names]), caller));
    this.#drawn = { lists, page };
    return { page, life };
  }

  /** A name that another member owns leads nowhere here. */
  async #collect(names: Set<string>, list: Page, from: string | undefined): Promise<void> {
    let read = 0;
    for await (const name of namesOfListJson(list.plain('json'))) {
      if (++read % NAMES_A_TURN === 0) await yieldToEventLoop();
      const owner = this.#ownerOf(name);
      if (owner === undefined || owner === from) names.add(name);
    }
  }
}

/** It may be kept as long as the one that ends first, and is as old as the oldest. */
function shortestOf(lives: readonly (Life | undefined)[]): Life | undefined {
  const known = lives.filter((life) => life !== undefined);
  if (known.length === 0) return undefined;
  return { age: Math.max(...known.map(({ age }) => age)), left: Math.min(...known.map(({ left }) => left)) };
}
