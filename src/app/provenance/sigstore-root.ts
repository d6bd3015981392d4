import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { LIMITS } from '../../provenance/limits.ts';
import { PACKAGED_ROOT } from '../../provenance/packaged-root.ts';
import { readTrustedRoot } from '../../provenance/trusted-root.ts';
import { readGiven } from '../given-file.ts';

export type TrustedRoot = ReturnType<typeof readTrustedRoot>;

/** What Sigstore's TUF repository calls it. */
const TARGET = 'trusted_root.json';

/** Where what is believed of Sigstore comes from; the copy that came with this program where nothing is said. */
export type RootPlace = { readonly file: string } | { readonly index: PackageIndex } | 'packaged';

/** Throws Refusal where it cannot be had or read. */
export async function sigstoreRoot(place: RootPlace, caller: Caller): Promise<TrustedRoot> {
  if (place === 'packaged') return readTrustedRoot(Buffer.from(PACKAGED_ROOT));
  if ('file' in place) return readTrustedRoot(readGiven(place.file, "Sigstore's trusted root"));
  return readTrustedRoot(await rootBytesFrom(place.index, caller));
}

/** The copy of it that an index mirrors. Throws Refusal. */
export async function rootBytesFrom({ signed, name }: PackageIndex, caller: Caller): Promise<Uint8Array> {
  if (signed === undefined)
    throw new Refusal(
      'format',
      `The index ${name} is not signed: Sigstore's root comes from a copy of its TUF repository.`,
    );
  const answer = await signed.target({ path: TARGET, asSent: TARGET }, caller);
  return (await answer.open()).bytes(LIMITS.trustedRoot);
}
