import type { PinnedProject } from '../../bundle/format/publishers.ts';
import type { PublishersPlace } from '../../bundle/import/carried-publishers.ts';
import type { Instant } from '../../bytes/instant.ts';
import { nameOf } from '../../policy/provenance.ts';
import type { IndexState, Known } from '../../ports/index-state.ts';
import type { KeptProvenance, KnownPublisher } from '../../ports/provenance/kept.ts';
import type { ImportedPublishers, PublishersRequest } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
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
    const taken = await state.provenance(given.project).change((was) =>
      // What is first seen in this very second is held to them, too.
      withPublishers(was?.value, given, { now, since: now - 1, by: 'operator' }),
    );
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

/**
 * Where a bundle says whom files of an index are expected from: as if they had been seen first here, so that files that are listed by now are held to nothing.
 * Where somebody else is known, nothing changes, and the journal has it.
 */
export function carriedPublishers(place: Place, index: string): PublishersPlace {
  return {
    async take(projects, key) {
      const state = await place.state(index);
      const now = place.now();
      const done: ImportedPublishers[number][] = [];
      for (const given of projects) {
        const change = (was: Known<KeptProvenance> | undefined) =>
          withPublishers(was?.value, given, { now, since: now, by: 'first-sight' });
        const before = await compared(state, given);
        const isTaken = before.result === 'new' && (await state.provenance(given.project).change(change)) !== undefined;
        // Somebody may have been seen meanwhile.
        const after = before.result === 'new' && !isTaken ? await compared(state, given) : before;
        done.push(after);
        if (after.result !== 'conflict') continue;
        const about = { at: now, index, project: given.project, file: undefined };
        const reason = `who publishes it, by a bundle that ${key} signed`;
        place.journal.note({ ...about, kind: 'refused', before: after.known, after: after.given, reason });
      }
      await place.journal.flush();
      return done;
    },
  };
}

interface Taken {
  readonly now: Instant;
  /** Files that were listed by then are held to nothing. */
  readonly since: Instant;
  readonly by: KnownPublisher['by'];
}

/** Undefined where somebody is known. */
function withPublishers(
  was: KeptProvenance | undefined,
  { publishers }: PinnedProject,
  { now, since, by }: Taken,
): KeptProvenance | undefined {
  if (was !== undefined && was.publishers.length > 0) return undefined;
  const known = publishers.map(
    ({ workflow, environment, ...rest }): KnownPublisher => ({
      ...rest,
      workflow,
      environment,
      since: now,
      by,
    }),
  );
  return { since, accepted: [], files: new Map(), ...was, publishers: known };
}

function wordOf({ workflow, environment, ...rest }: PinnedProject['publishers'][number]): string {
  return nameOf({ ...rest, workflow, environment });
}

function isSame(one: KnownPublisher, other: PinnedProject['publishers'][number]): boolean {
  return one.id === other.id && one.workflow === other.workflow && one.environment === other.environment;
}
