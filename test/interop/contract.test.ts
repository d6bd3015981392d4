import { expect, it } from 'vitest';
import { clientsOfJudge, faults, judge } from './contract-judge.ts';

const clients = await clientsOfJudge();

// The slow checks, and files on an origin of their own, run in interop:all (all/index-contract.test.ts).
it.skipIf(clients === undefined)(
  'keeps the contract that installers rely on, with an index as PyPI is today behind it',
  { timeout: 600_000 },
  async () => {
    const checks = await judge({ clients: clients ?? [], skipTags: ['slow'] });
    expect(faults(checks).join('\n')).toBe('');
    expect(checks.length).toBeGreaterThan(90);
  },
);
