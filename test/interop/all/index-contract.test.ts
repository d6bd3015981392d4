import { expect, it } from 'vitest';
import { clientsOfJudge, faults, judge } from '../contract-judge.ts';

const clients = await clientsOfJudge();

it.skipIf(clients === undefined).each([false, true])(
  'keeps the whole contract that installers rely on; files on an origin of their own: %s',
  { timeout: 1_800_000 },
  async (split) => {
    const checks = await judge({ clients: clients ?? [], split });
    expect(faults(checks).join('\n')).toBe('');
    expect(checks.length).toBeGreaterThan(100);
  },
);
