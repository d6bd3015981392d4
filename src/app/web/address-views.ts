import type { Config } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { matchesGlob } from '../../pypi/requirement/name-glob.ts';
import type { AddressView, AnsweringView } from '../../web/addresses.ts';

/** Names of its own that one index is shown with. */
const MOST_OWNED = 10;

export type Addresses = NonNullable<Config['addresses']>;

export function addressViews(addresses: Addresses, defaultIndex: string): readonly AddressView[] {
  return Object.values(addresses).map(({ name, of, owned }) => ({
    name,
    isDefault: name === defaultIndex,
    of: of.map((member) => {
      const own = owned[member] ?? [];
      return { name: member, owned: own.slice(0, MOST_OWNED), ownedCount: own.length };
    }),
  }));
}

/** At each address over several indexes that the index is of: which of them answers for the project, by what is held. */
export async function answeringViews(
  addresses: Addresses,
  index: Pick<PackageIndex, 'name'>,
  project: string,
  holds: (index: string) => Promise<boolean>,
): Promise<readonly AnsweringView[]> {
  const found: AnsweringView[] = [];
  for (const { name, of, owned } of Object.values(addresses)) {
    if (!of.includes(index.name)) continue;
    const owner = of.find((member) => owned[member]?.some((glob) => matchesGlob(glob, project)));
    if (owner !== undefined) {
      const glob = owned[owner]?.find((each) => matchesGlob(each, project));
      found.push({ address: name, index: owner, owned: glob, before: [] });
      continue;
    }
    for (const [at, member] of of.entries()) {
      if (!(await holds(member))) continue;
      found.push({ address: name, index: member, owned: undefined, before: of.slice(0, at) });
      break;
    }
  }
  return found;
}
