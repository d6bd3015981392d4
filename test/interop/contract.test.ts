import { expect, it } from 'vitest';
import { faults, judge, judgeIsThere } from './contract-judge.ts';

// The heavy part runs in interop:all (all/index-contract.test.ts).

if (!judgeIsThere)
  process.stderr.write(
    '\n*** ../shared/contract is not beside the project: the contract of installers is NOT JUDGED.\n',
  );

it.skipIf(!judgeIsThere)(
  'keeps the contract that installers rely on, with an index as PyPI is today behind it',
  { timeout: 600_000 },
  async () => {
    const checks = await judge({ skipTags: ['slow'] });
    expect(faults(checks)).toEqual([]);
    expect(checks.length).toBeGreaterThan(90);
  },
);
