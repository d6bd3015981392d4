import type { Expected } from '../../../../src/bytes/expected.ts';
import type { Targets } from '../../../../src/tuf/model.ts';
import type { Generation } from '../../../../src/tuf/stages.ts';
import type { Verified } from '../../../../src/tuf/verified.ts';

export function overwrite(generation: Generation, targets: Verified<Targets>, expected: Expected): void {
  generation.targets = targets; // refused: read-only
  targets.signed.targets.set('evil', { length: 1, digests: new Map() }); // refused: absent
  expected.digests.set('sha256', 'ab'); // refused: absent
}
