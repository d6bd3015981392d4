import { expect, it } from 'vitest';
import { faults, judge, judgeIsThere } from '../contract-judge.ts';

it.skipIf(!judgeIsThere).each([false, true])(
  'keeps the whole contract that installers rely on; files on an origin of their own: %s',
  { timeout: 1_800_000 },
  async (split) => {
    const checks = await judge({ split });
    expect(faults(checks)).toEqual([]);
    expect(checks.length).toBeGreaterThan(100);
  },
);
