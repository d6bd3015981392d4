import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { LIMITS } from '../../provenance/limits.ts';

/** What Sigstore's TUF repository calls it. */
const TARGET = 'trusted_root.json';

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
