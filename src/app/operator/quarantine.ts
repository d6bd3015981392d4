import { Refusal } from '../../bytes/refusal.ts';
import type { IndexState, Pin } from '../../ports/index-state.ts';
import type { QuarantineEntry } from '../../ports/policy.ts';
import { releaseVersionOf } from '../../pypi/names.ts';
import { parseVersion } from '../../pypi/requirement/version.ts';
import { versionKey } from '../../pypi/versions.ts';
import type { Quarantined, QuarantineRequest } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import { audited } from './audited.ts';
import { type OperatorPlace, projectOf } from './place.ts';

interface QuarantinePlace extends Pick<OperatorPlace, 'config' | 'state' | 'now'> {
  readonly journal: Pick<OperatorPlace['journal'], 'note' | 'flush'>;
}

/** File names that an answer lists. */
const MOST_NAMED = 1000;

/**
 * Keeps a project, or one version of it, from being served whatever its index says; `lift` takes that back. Bytes, pins and pages stay. Throws
 * Refusal, `unlisted` where there is nothing to lift.
 */
export async function quarantineIn(place: QuarantinePlace, request: QuarantineRequest): Promise<Quarantined> {
  const { index, version, lift, reason, dryRun } = request;
  indexOf(place.config, index);
  const project = projectOf(request.name);
  if (version !== undefined && parseVersion(version) === undefined)
    throw new Refusal('format', `"${version}" is no version such as 1.2.3.`, { subject: 'request' });
  const state = await place.state(index);
  const item = state.quarantine(project);
  const before = (await item.read())?.value ?? [];
  const was = before.find((entry) => isOf(entry, version));
  if (lift && was === undefined)
    throw new Refusal('unlisted', `${textOf(project, version)} is not in quarantine.`, { subject: 'request' });
  const at = place.now();
  const next = (entries: readonly QuarantineEntry[]): readonly QuarantineEntry[] => [
    ...entries.filter((entry) => !isOf(entry, version)),
    ...(lift ? [] : [{ ...(version !== undefined && { version }), reason, at }]),
  ];
  const files = await namesOf(state, project, version);
  if (!dryRun) {
    // The word is kept before anything follows from it.
    await audited(state, at, `quarantine ${lift ? '--lift ' : ''}${textOf(project, version)}`, reason);
    await item.change((known) => next(known?.value ?? []));
    const after = `${textOf(project, version)} ${lift ? 'out of quarantine' : 'in quarantine'} by an operator's word`;
    place.journal.note({ at, index, project, kind: lift ? 'returned' : 'quarantined', after, reason });
    await place.journal.flush();
  }
  return { project, was: was?.reason, entries: next(before), files };
}

function isOf(entry: QuarantineEntry, version: string | undefined): boolean {
  if (entry.version === undefined || version === undefined) return entry.version === version;
  return versionKey(entry.version) === versionKey(version);
}

/** Files that were seen of it here. */
export async function namesOf(
  state: IndexState,
  project: string,
  version: string | undefined,
): Promise<readonly string[]> {
  const pins = (await state.pins(project).read())?.value ?? new Map<string, Pin>();
  const key = version === undefined ? undefined : versionKey(version);
  const names = [...pins.keys()].filter(
    (name) => key === undefined || versionKey(releaseVersionOf(name, project) ?? '') === key,
  );
  return names.slice(0, MOST_NAMED);
}

export function textOf(project: string, version: string | undefined): string {
  return version === undefined ? project : `${project}==${version}`;
}
