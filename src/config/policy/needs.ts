import type { Config, IndexConfig } from '../config.ts';
import type { Fault } from '../faults.ts';
import { readYaml } from '../reading/yaml-file.ts';

/** What a policy asks for that the rest of the configuration does not give, and where in the policy it does. */
interface Unmet {
  readonly path: readonly string[];
  readonly what: string;
}

const NOTHING_KEPT = 'has no meaning with reuploads: true: nothing is kept of when files were first seen';

/** What policies ask for, wherever they are written, and the rest of the configuration does not give. */
export function unmetNeeds(config: Pick<Config, 'indexes' | 'advisories'>): readonly Fault[] {
  return Object.values(config.indexes).flatMap((index) =>
    unmetBy(index, config.advisories).map((unmet) => placed(index, unmet)),
  );
}

function unmetBy(
  { name, policy, reuploads }: Pick<IndexConfig, 'name' | 'policy' | 'reuploads'>,
  advisories: Config['advisories'],
): readonly Unmet[] {
  const unmet: Unmet[] = [];
  const isTold = advisories !== undefined && !advisories.notOf.includes(name);
  if (policy?.minimumAge?.fixes === 'pass' && !isTold)
    unmet.push({
      path: ['minimum_age', 'fixes'],
      what: 'pass needs advisories that speak of this index: only they say what mends what',
    });
  if (policy?.minimumAge !== undefined && reuploads) unmet.push({ path: ['minimum_age'], what: NOTHING_KEPT });
  if (policy?.missingUploadTime === 'first-sight' && reuploads)
    unmet.push({ path: ['missing_upload_time'], what: NOTHING_KEPT });
  return unmet;
}

/** Of a policy in a file of its own with the line there; of one in the configuration with the path of the value. */
function placed({ name, policyFile }: Pick<IndexConfig, 'name' | 'policyFile'>, { path, what }: Unmet): Fault {
  if (policyFile === undefined) {
    const whole = ['indexes', name, 'policy', ...path];
    return { where: whole.join('.'), what, path: whole };
  }
  const line = readYaml(policyFile.path, []).lineOf(path);
  const at = line === undefined ? policyFile.path : `${policyFile.path} line ${line}`;
  return { where: `${at}: ${path.join('.')}`, what: `${what} (it is the policy of ${name})` };
}
