import type { Decode } from '../../../../src/tuf/decode.ts';
import type { Targets } from '../../../../src/tuf/model.ts';
import { open, Verified } from '../../../../src/tuf/verified.ts';

export function forge(evil: Uint8Array, decode: Decode<Targets>): readonly unknown[] {
  const byCallback = open(evil, decode, () => []); // refused: no Authority
  const byNobody = open(evil, decode, { role: 'targets', threshold: 0, keys: new Map() }); // refused: no Authority
  return [byCallback, byNobody, Verified.open(evil, decode, () => [])]; // refused: absent
}
