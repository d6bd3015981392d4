import type { UnsignedIndexConfig } from '../../config/config.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import { ProvenanceKeeper } from '../../mirror/provenance/keeper.ts';
import type { ProvenanceWork } from '../../ports/provenance/work.ts';
import { createPins } from '../../state/pins.ts';
import type { IndexParts } from '../compose-index.ts';
import { rootChoice } from './root-choice.ts';
import type { SigstoreRoots } from './roots.ts';

/** What indexes share that look at who published their files. */
export interface ProvenanceParts {
  readonly work: ProvenanceWork;
  readonly indexOf: (name: string) => PackageIndex | undefined;
  readonly roots: SigstoreRoots;
}

type Parts = Pick<IndexParts, 'config' | 'state' | 'clock' | 'emit' | 'provenance'> & {
  readonly index: UnsignedIndexConfig;
};

/** Who published the files of an index; undefined where nobody wants to know. Throws Refusal for a trusted root that cannot be read. */
export function composeProvenance({
  config,
  index,
  state,
  clock,
  emit,
  provenance: shared,
}: Parts): ProvenanceKeeper | undefined {
  const { provenance: rules, name } = index;
  if (rules === undefined || shared === undefined) return undefined;
  const places = rootChoice(config, index);
  const projects = new Map(Object.entries(rules.projects));
  const publishers = new Map(Object.entries(rules.publishers));
  const modes = [rules.mode, ...projects.values()];
  const source = shared.roots.add({ ...places, index: name, modes, indexOf: shared.indexOf, clock });
  return new ProvenanceKeeper({
    index: name,
    state,
    pins: createPins(state),
    clock,
    emit,
    work: shared.work,
    root: source.root,
    gitlab: rules.gitlab,
    mode: (project) => projects.get(project) ?? rules.mode,
    expected: (project) => publishers.get(project) ?? [],
  });
}
