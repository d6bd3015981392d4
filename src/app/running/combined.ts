import { existing } from '../../bytes/existing.ts';
import type { Config } from '../../config/config.ts';
import { CombinedIndex } from '../../mirror/combined-index.ts';
import type { Composition } from '../compose.ts';

/** The addresses that are over several indexes. */
export function combinedOf(
  { addresses = {} }: Pick<Config, 'addresses'>,
  { indexes, work }: Pick<Composition, 'indexes' | 'work'>,
): readonly CombinedIndex[] {
  return Object.values(addresses).map(({ name, of, owned }) => {
    const members = of.map((member) => {
      const index = existing(
        indexes.find((each) => each.name === member),
        `${name} is over an index that was not composed`,
      );
      return { index, owned: owned[member] ?? [] };
    });
    return new CombinedIndex({ name, members, work });
  });
}
