import { Refusal } from '../../bytes/refusal.ts';
import type { Config, UnsignedIndexConfig } from '../../config/config.ts';
import type { RootPlaces } from './root-source.ts';

/** Where what an index believes of Sigstore comes from, as its configuration says. Throws Refusal where that names an index that is not signed. */
export function rootChoice(
  config: Config,
  { name, provenance }: UnsignedIndexConfig,
): Pick<RootPlaces, 'trustedRoot' | 'rootFrom'> {
  const trustedRoot = provenance?.trustedRoot;
  const rootFrom = provenance?.rootFrom ?? (trustedRoot === undefined ? mirrorOfSigstore(config) : undefined);
  if (rootFrom !== undefined && config.indexes[rootFrom]?.evidence !== 'tuf')
    throw new Refusal(
      'format',
      `provenance.root_from of the index ${name} names ${rootFrom}, which is no index that is signed: it must be one that mirrors Sigstore's own repository.`,
    );
  return { trustedRoot, rootFrom };
}

/** The index that mirrors Sigstore's own repository by its name, where there is one. */
function mirrorOfSigstore({ indexes }: Config): string | undefined {
  return Object.values(indexes).find((index) => index.evidence === 'tuf' && index.layout === 'sigstore')?.name;
}
