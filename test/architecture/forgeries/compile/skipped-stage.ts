import type { Targets } from '../../../../src/tuf/model.ts';
import { type AtRoot, AtTimestamp, type Generation, withTargets } from '../../../../src/tuf/stages.ts';
import type { Verified } from '../../../../src/tuf/verified.ts';

export function forge(at: AtRoot, targets: Verified<Targets>): readonly Generation[] {
  const skipped = withTargets(at, targets); // refused: no AtSnapshot
  const literal: Generation = { ...skipped, targets }; // refused: no Generation
  return [skipped, literal, new AtTimestamp(at, targets)]; // refused: protected
}
