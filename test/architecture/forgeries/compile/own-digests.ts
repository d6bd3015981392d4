import type { Digests } from '../../../../src/bytes/digest.ts';
import { Expected } from '../../../../src/bytes/expected.ts';
import { type Proven, prove } from '../../../../src/bytes/proven.ts';

export function forge(evil: Uint8Array, itsOwn: Digests): readonly Proven[] {
  const literal = prove(evil, { digests: itsOwn }); // refused: no Expected
  return [literal, prove(evil, new Expected(undefined, itsOwn))]; // refused: private
}
