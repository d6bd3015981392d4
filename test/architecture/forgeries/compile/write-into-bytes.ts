import type { Proven } from '../../../../src/bytes/proven.ts';
import type { Variant } from '../../../../src/render/page.ts';
import type { Root } from '../../../../src/tuf/model.ts';
import type { Verified } from '../../../../src/tuf/verified.ts';

export function overwrite(verified: Verified<Root>, proven: Proven, variant: Variant): void {
  verified.bytes[0] = 1; // refused: read-only
  proven.bytes.fill(0); // refused: absent
  variant.body.bytes.set([1]); // refused: absent
  const writable: Uint8Array = verified.bytes; // refused: no Uint8Array
  writable[0] = 1;
}
