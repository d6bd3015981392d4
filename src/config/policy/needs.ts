import type { Config, IndexConfig } from '../config.ts';
import type { Fault } from '../faults.ts';

/** What a policy asks for, wherever it is written, and the rest of the configuration does not give. */
export function unmetNeeds(config: Pick<Config, 'indexes' | 'advisories'>): readonly Fault[] {
  return Object.values(config.indexes).flatMap((index) =>
    needsOf(index, config.advisories).map((what) => ({ where: `indexes.${index.name}.policy`, what })),
  );
}

function needsOf(
  { name, policy, reuploads }: Pick<IndexConfig, 'name' | 'policy' | 'reuploads'>,
  advisories: Config['advisories'],
): readonly string[] {
  const faults: string[] = [];
  const isTold = advisories !== undefined && !advisories.notOf.includes(name);
  if (policy?.minimumAge?.fixes === 'pass' && !isTold)
    faults.push('minimum_age.fixes: pass needs advisories that speak of this index: only they say what mends what');
  if (policy?.missingUploadTime === 'first-sight' && reuploads)
    faults.push(
      'missing_upload_time has no meaning with reuploads: true: nothing is kept of when files were first seen',
    );
  return faults;
}
