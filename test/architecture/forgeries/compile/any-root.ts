import type { Root } from '../../../../src/tuf/model.ts';
import { type AtRoot, asOf } from '../../../../src/tuf/stages.ts';
import { TrustedRoot } from '../../../../src/tuf/trusted-root.ts';
import type { Verified } from '../../../../src/tuf/verified.ts';

export function forge(anyRoot: Verified<Root>): readonly AtRoot[] {
  const bare = asOf(anyRoot, 0); // refused: no TrustedRoot
  return [bare, asOf(new TrustedRoot(anyRoot), 0)]; // refused: private
}
