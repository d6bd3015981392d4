import { expect, it } from 'vitest';
import { pauseAfter } from '../../../../src/app/processes/slot.ts';

it('whoever ends soon again and again is replaced after longer each time, up to a limit', () => {
  const pauses = (longest: number) => [0, 1, 2, 3, 4, 5, 6, 20].map((ends) => pauseAfter(ends, longest));
  expect(pauses(30_000)).toEqual([0, 0, 250, 500, 1000, 2000, 4000, 30_000]);
  expect(pauses(1000)).toEqual([0, 0, 250, 500, 1000, 1000, 1000, 1000]);
});
