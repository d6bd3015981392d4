import { Refusal } from '../../bytes/refusal.ts';
import type { PolicySettings } from '../../policy/settings.ts';
import type { Config } from '../config.ts';
import type { Fault } from '../faults.ts';
import { unmetNeeds } from './needs.ts';
import { readPolicy } from './read-policy.ts';
import { withAge } from './settings.ts';

/** What is wrong, as far as one line of the log tells it. */
const MOST_TOLD = 5;

/** The policies that lie in files of their own, as they lie there now, by index. Throws Refusal `format` with what is wrong, and on which line. */
export function policiesAgain(config: Config): ReadonlyMap<string, PolicySettings> {
  const faults: Fault[] = [];
  const found = new Map<string, PolicySettings>();
  for (const { name, policyFile } of Object.values(config.indexes))
    if (policyFile !== undefined) found.set(name, withAge(readPolicy(policyFile.path, faults), policyFile.minimumAge));
  if (faults.length === 0) faults.push(...unmetNeeds(withPolicies(config, found)));
  if (faults.length > 0)
    throw new Refusal(
      'format',
      faults
        .slice(0, MOST_TOLD)
        .map(({ where, what }) => `${where}: ${what}`)
        .join('; '),
    );
  return found;
}

/** The same configuration with these policies. */
export function withPolicies(config: Config, policies: ReadonlyMap<string, PolicySettings>): Config {
  const indexes = Object.fromEntries(
    Object.entries(config.indexes).map(([name, index]) => {
      const policy = policies.get(name);
      return [name, policy === undefined ? index : { ...index, policy }];
    }),
  );
  return { ...config, indexes };
}
