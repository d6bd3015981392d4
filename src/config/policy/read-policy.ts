import type { PolicySettings } from '../../policy/settings.ts';
import { ConfigRefusal, type Fault, faultsOf } from '../faults.ts';
import { readYaml } from '../reading/yaml-file.ts';
import { policySchema } from './schema.ts';
import { NO_POLICY, settingsOf } from './settings.ts';

const NO_SOURCES: ReadonlyMap<string, string> = new Map();

/** The policy in a file of its own; what is wrong with it is added to `faults`, with its line. */
export function readPolicy(path: string, faults: Fault[]): PolicySettings {
  const before = faults.length;
  const { tree, lineOf } = readYaml(path, faults);
  if (faults.length > before) return NO_POLICY;
  const { data, error } = policySchema.safeParse(tree);
  for (const issue of error?.issues ?? [])
    for (const fault of faultsOf(issue, NO_SOURCES)) {
      const line = lineOf(fault.path ?? []);
      faults.push({ ...fault, where: `${path}${line === undefined ? '' : ` line ${line}`}: ${fault.where}` });
    }
  return data === undefined ? NO_POLICY : settingsOf(data);
}

/** The same for a command. Throws ConfigRefusal with every fault in it. */
export function loadPolicy(path: string): PolicySettings {
  const faults: Fault[] = [];
  const settings = readPolicy(path, faults);
  if (faults.length > 0) throw new ConfigRefusal(faults);
  return settings;
}
