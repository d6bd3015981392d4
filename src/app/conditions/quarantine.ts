import type { PackageIndex } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';
import { quarantinedText } from '../../ports/left-out.ts';

/** What an operator put in quarantine stays there until somebody remembers it. */
export async function quarantineConditions(
  indexes: readonly Pick<PackageIndex, 'name' | 'tally'>[],
): Promise<readonly Condition[]> {
  const found: Condition[] = [];
  for (const index of indexes) {
    const { quarantined } = await index.tally();
    const message = `Kept from being served by an operator's word: ${quarantinedText(quarantined)} (verbatim quarantine; --lift takes it back).`;
    if (quarantined > 0) found.push({ what: 'quarantined', index: index.name, thing: '', message });
  }
  return found;
}
