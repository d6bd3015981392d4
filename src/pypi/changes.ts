import { type Loss, textOf } from './losses.ts';
import type { ProjectPage } from './project-page.ts';

/** Closed: it labels a metric. */
export const CHANGE_KINDS = [
  'removed',
  'returned',
  'joined',
  'yanked',
  'unyanked',
  'quarantined',
  'changed',
  'regressed',
  'refused',
  'accepted',
] as const;

/** What happened to a project or to one of its files upstream. */
export interface Change {
  readonly kind: (typeof CHANGE_KINDS)[number];
  readonly file?: string | undefined;
  readonly digest?: string | undefined;
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly reason?: string | undefined;
}

type Kind = Loss['kind'];

const SAYS: Readonly<Record<Kind, Change['kind']>> = {
  digest: 'changed',
  file: 'removed',
  yanked: 'yanked',
  unyanked: 'unyanked',
  quarantined: 'quarantined',
  status: 'returned',
  'serial-lower': 'regressed',
  'serial-lost': 'regressed',
  'upload-time': 'regressed',
  provenance: 'regressed',
  'core-metadata': 'regressed',
  'requires-python': 'regressed',
};

/** Lines of one kind and page beyond which the journal only says how many: an upstream that turns to plain HTML loses everything at once. */
const MOST_OF_A_KIND = 1000;

/** What the journal keeps of losses that were believed. */
export function changesOf(before: ProjectPage, after: ProjectPage, losses: readonly Loss[]): readonly Change[] {
  const digests = new Map(before.files.map((entry) => [entry.filename, textOf(entry.digests)]));
  const counts = new Map<Kind, number>();
  const changes: Change[] = [];
  for (const loss of losses) {
    const count = (counts.get(loss.kind) ?? 0) + 1;
    counts.set(loss.kind, count);
    if (count > MOST_OF_A_KIND) continue;
    changes.push({
      kind: SAYS[loss.kind],
      ...(loss.file === undefined ? {} : { file: loss.file, digest: digests.get(loss.file) }),
      before: loss.before,
      after: loss.after,
      reason: reasonOf(loss, after),
    });
  }
  for (const [kind, count] of counts)
    if (count > MOST_OF_A_KIND) changes.push({ kind: SAYS[kind], reason: kind, after: `${count} files in all` });
  return changes;
}

function reasonOf({ kind }: Loss, { projectStatus }: ProjectPage): string {
  return kind === 'quarantined' ? (projectStatus?.reason ?? kind) : kind;
}
