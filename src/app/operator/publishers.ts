import type { Instant } from '../../bytes/instant.ts';
import { nameOf } from '../../policy/provenance.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { KeptProvenance, KnownPublisher } from '../../ports/provenance/kept.ts';
import type { ImportedPublishers, PublishersRequest } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import type { PinnedProject } from '../provenance/pins-file.ts';
import { audited } from './audited.ts';
import type { OperatorPlace } from './place.ts';

/** Whom files of each project are expected from, as far as it is remembered; in the order of their names. */
export async function pinnedIn(
  state: Pick<IndexState, 'projects' | 'provenance'>,
  wanted: string | undefined,
): Promise<readonly PinnedProject[]> {
  const pinned: PinnedProject[] = [];
  for await (const project of state.projects('provenance')) {
    if (wanted !== undefined && project !== wanted) continue;
    const publishers = (await state.provenance(project).read())?.value.publishers ?? [];
    if (publishers.length > 0)
      pinned.push({ project, publishers: publishers.map(({ since: _, by: __, ...publisher }) => publisher) });
  }
  return pinned.sort((one, other) => (one.project < other.project ? -1 : 1));
}

type Place = Pick<OperatorPlace, 'config' | 'state' | 'now'> & {
  readonly journal: Pick<OperatorPlace['journal'], 'note' | 'flush'>;
};

/**
 * Takes over whom files are expected from, of projects of which nobody is known yet. Where somebody is known, nothing of it changes: a publisher that is given and not
 * known here is a conflict, and told. Throws Refusal.
 */
export async function importPublishersIn(place: Place, request: PublishersRequest): Promise<ImportedPublishers> {
  const { index, projects, reason, dryRun } = request;
  indexOf(place.config, index);
  const state = await place.state(index);
  const now = place.now();
  const done: ImportedPublishers[number][] = [];
  for (const given of projects) done.push(await compared(state, given));
  const added = projects.filter((_, at) => done[at]?.result === 'new');
  if (dryRun || added.length === 0) return done;
  // The word is kept before anything follows from it.
  await audited(state, now, `provenance --import, ${added.map(({ project }) => project).join(' ')}`, reason);
  for (const given of added) {
    const taken = await state.provenance(given.project).change((was) => withPublishers(was?.value, given, now));
    // Somebody was seen meanwhile.
    if (taken === undefined) {
      done[projects.indexOf(given)] = await compared(state, given);
      continue;
    }
    const after = given.publishers.map(wordOf).join(', ');
    const about = { index, project: given.project, file: undefined };
    place.journal.note({
      at: now,
      ...about,
      kind: 'accepted',
      before: 'nobody',
      after,
      reason: `who publishes it: ${reason}`,
    });
  }
  await place.journal.flush();
  return done;
}

async function compared(
  state: Pick<IndexState, 'provenance'>,
  { project, publishers }: PinnedProject,
): Promise<ImportedPublishers[number]> {
  const known = (await state.provenance(project).read())?.value.publishers ?? [];
  const isKnown = (given: PinnedProject['publishers'][number]) => known.some((one) => isSame(one, given));
  const result = known.length === 0 ? 'new' : publishers.every(isKnown) ? 'same' : 'conflict';
  return { project, result, known: known.map(nameOf).join(', '), given: publishers.map(wordOf).join(', ') };
}

/** Undefined where somebody is known. */
function withPublishers(
  was: KeptProvenance | undefined,
  { publishers }: PinnedProject,
  now: Instant,
): KeptProvenance | undefined {
  if (was !== undefined && was.publishers.length > 0) return undefined;
  const known = publishers.map(
    ({ workflow, environment, ...rest }): KnownPublisher => ({
      ...rest,
      workflow,
      environment,
      since: now,
      by: 'operator',
    }),
  );
  // What is first seen in this very second is held to them, too.
  return { since: now - 1, accepted: [], files: new Map(), ...was, publishers: known };
}

function wordOf({ workflow, environment, ...rest }: PinnedProject['publishers'][number]): string {
  return nameOf({ ...rest, workflow, environment });
}

function isSame(one: KnownPublisher, other: PinnedProject['publishers'][number]): boolean {
  return one.id === other.id && one.workflow === other.workflow && one.environment === other.environment;
}
