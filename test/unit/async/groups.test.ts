import { expect, it } from 'vitest';
import { Group } from '../../../src/async/groups.ts';

it('whoever is not in line leaves no gap in it', () => {
  const everybody = Group.everybody<{ readonly cost: number }>({});
  const [one, other] = [{ cost: 1 }, { cost: 1 }];
  everybody.line(one);
  expect([everybody.unline(other), everybody.waiting]).toEqual([false, 1]);
  expect([everybody.unline(one), everybody.waiting]).toEqual([true, 0]);
  expect([everybody.unline(one), everybody.waiting]).toEqual([false, 0]);
});
