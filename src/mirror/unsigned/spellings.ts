import { yieldToEventLoop } from '../../async/yield.ts';
import type { Listing } from '../../pypi/listing.ts';
import { versionOf } from '../../pypi/names.ts';
import { versionKey } from '../../pypi/versions.ts';

/** A millisecond or two of work. */
const READ_A_TURN = 500;

interface Known {
  readonly exact: ReadonlySet<string>;
  /** By what is the same in every spelling; the first of each. */
  readonly byKey: ReadonlyMap<string, string>;
}

/** How a project itself spells its versions: read once a listing, in turns, whoever asks for however many. */
export class Spellings {
  readonly #known = new WeakMap<Listing, Promise<Known>>();

  /** Undefined where the project has no such version. Others may spell one in endless ways. */
  async of(listing: Listing, version: string): Promise<string | undefined> {
    const known = this.#known.get(listing) ?? read(listing);
    this.#known.set(listing, known);
    const { exact, byKey } = await known;
    return exact.has(version) ? version : byKey.get(versionKey(version));
  }
}

async function read({ versions, files, name }: Listing): Promise<Known> {
  const byKey = new Map<string, string>();
  let turn = 0;
  const add = async (version: string | undefined): Promise<void> => {
    if (++turn % READ_A_TURN === 0) await yieldToEventLoop();
    if (version === undefined) return;
    const key = versionKey(version);
    if (!byKey.has(key)) byKey.set(key, version);
  };
  for (const version of versions) await add(version);
  for (const { entry } of files.values()) await add(versionOf(entry.filename, name));
  return { exact: new Set(versions), byKey };
}
