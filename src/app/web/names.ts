import { internalCaller } from '../../async/caller.ts';
import { within } from '../../async/timeout.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { isNormalized } from '../../pypi/names.ts';
import type { FoundName } from '../../web/search.ts';

/** Names that are remembered for searching; PyPI has 700,000. */
const MOST_NAMES = 2_000_000;
/** Names found, at most. */
const MOST_FOUND = 50;
/** They are read anew when somebody searches so long afterwards, behind the answer. Milliseconds. */
const READ_AGAIN_MS = 5 * 60_000;
/** So long somebody waits for the first reading. Milliseconds. */
const WAIT_MS = 1500;
const A_TURN = 2000;

interface Known {
  /** Each after a line end, and one behind the last. */
  readonly text: string;
  readonly listed: number;
  readonly held: ReadonlySet<string>;
}

const NOTHING: Known = { text: '\n', listed: 0, held: new Set() };

/** The names of one index, read behind the answers and never while somebody waits for long. */
export class Names {
  readonly #index: Pick<PackageIndex, 'name' | 'evidence' | 'projects'>;
  readonly #state: Pick<IndexState, 'projects'> | undefined;
  #known: Known | undefined;
  #reading: Promise<Known> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(
    index: Pick<PackageIndex, 'name' | 'evidence' | 'projects'>,
    state: Pick<IndexState, 'projects'> | undefined,
  ) {
    this.#index = index;
    this.#state = state;
  }

  /** `query`: part of a normalized name. */
  async find(query: string) {
    const known = await this.#current();
    const { text, listed, held } = known ?? NOTHING;
    const found: string[] = [];
    // Those that begin so come first.
    if (query !== '')
      for (const part of [`\n${query}`, query])
        for (let at = text.indexOf(part); at !== -1 && found.length <= MOST_FOUND; at = text.indexOf(part, at + 1)) {
          const from = text.lastIndexOf('\n', at) + 1;
          const name = text.slice(from, text.indexOf('\n', from));
          if (!found.includes(name)) found.push(name);
        }
    const names = found.slice(0, MOST_FOUND).map((project): FoundName => ({ project, held: held.has(project) }));
    return { reading: known === undefined, listed, held: held.size, found: names, more: found.length > MOST_FOUND };
  }

  /** As read last; undefined where the first reading takes longer than a person waits. */
  async #current(): Promise<Known | undefined> {
    const isDue = performance.now() - this.#readAt > READ_AGAIN_MS;
    if (isDue && this.#reading === undefined) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      // What cannot be read is not found; whoever asks for the list itself is told why.
      this.#reading.catch(() => undefined);
    }
    if (this.#known !== undefined || this.#reading === undefined) return this.#known;
    return within<Known | undefined>(WAIT_MS, this.#reading, undefined).catch(() => NOTHING);
  }

  async #read(): Promise<Known> {
    this.#readAt = performance.now();
    const held = new Set<string>();
    if (this.#state !== undefined)
      for await (const name of bounded(this.#state.projects(this.#index.evidence === 'tuf' ? 'pins' : 'pages')))
        held.add(name);
    const names = new Set(held);
    let listed = 0;
    try {
      for await (const name of bounded(
        this.#index.projects(internalCaller(this.#index.name, 'pages'), { held: true }),
      )) {
        listed++;
        if (isNormalized(name)) names.add(name);
      }
    } catch {
      // There is no list, or none is held.
    }
    this.#known = { text: `\n${[...names].join('\n')}\n`, listed, held };
    return this.#known;
  }
}

async function* bounded(names: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let count = 0;
  for await (const name of names) {
    if (++count > MOST_NAMES) return;
    if (count % A_TURN === 0) await yieldToEventLoop();
    yield name;
  }
}
