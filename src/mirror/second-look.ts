import { agree } from '../bytes/digest.ts';
import type { Entry, ProjectPage } from '../pypi/project-page.ts';
import type { AcceptedLoss, JournalEntry } from './ports.ts';

/** A page with the serial it came with. */
export interface Sight {
  readonly page: ProjectPage;
  readonly serial: number | undefined;
}

/** Something a new page takes away or contradicts: believed only after a second look (DESIGN §2). */
export interface Loss {
  readonly kind:
    | 'digest'
    | 'file'
    | 'unyanked'
    | 'serial-lower'
    | 'serial-lost'
    | 'upload-time'
    | 'provenance'
    | 'core-metadata'
    | 'status';
  readonly file?: string | undefined;
  readonly before: string;
  readonly after: string;
}

/** What `after` lacks or contradicts of what `before` said. Additions, yanks and quarantine are no losses. */
export function lossesOf(before: Sight, after: Sight): readonly Loss[] {
  const losses: Loss[] = [];
  if (before.serial !== undefined && after.serial === undefined)
    losses.push({ kind: 'serial-lost', before: String(before.serial), after: 'none' });
  else if (isLower(before, after))
    losses.push({ kind: 'serial-lower', before: String(before.serial), after: String(after.serial) });
  const files = new Map(after.page.files.map((entry) => [entry.filename, entry]));
  for (const entry of before.page.files) losses.push(...entryLosses(entry, files.get(entry.filename)));
  const [status, next] = [before.page.projectStatus?.status ?? 'active', after.page.projectStatus?.status ?? 'active'];
  if (status === 'quarantined' && next !== 'quarantined') losses.push({ kind: 'status', before: status, after: next });
  return losses;
}

/** What is left to doubt once an operator's word has named some losses. */
export function unaccepted(losses: readonly Loss[], accepted: readonly AcceptedLoss[] = []): readonly Loss[] {
  return losses.filter(
    (loss) =>
      !accepted.some(
        ({ kind, file, after }) =>
          kind === loss.kind && file === loss.file && (after === undefined || after === loss.after),
      ),
  );
}

/** A serial only goes up: a page with a lower one is an older page, however often it is seen. */
export function isLower(before: Sight, after: Sight): boolean {
  return before.serial !== undefined && after.serial !== undefined && after.serial < before.serial;
}

function entryLosses(before: Entry, after: Entry | undefined): readonly Loss[] {
  const file = before.filename;
  if (after === undefined) return [{ kind: 'file', file, before: digestText(before), after: 'gone' }];
  const losses: Loss[] = [];
  const lost = (kind: Loss['kind'], was: string, is: string) => losses.push({ kind, file, before: was, after: is });
  if (before.digests.size > 0 && !agree(before.digests, after.digests))
    lost('digest', digestText(before), digestText(after));
  if (before.yanked !== undefined && after.yanked === undefined) lost('unyanked', 'yanked', 'not yanked');
  if (before.uploadTime !== undefined && after.uploadTime === undefined) lost('upload-time', before.uploadTime, 'none');
  if (before.provenance !== undefined && after.provenance === undefined) lost('provenance', before.provenance, 'none');
  if (typeof before.coreMetadata === 'object' && typeof after.coreMetadata !== 'object')
    lost('core-metadata', 'announced', 'none');
  return losses;
}

function digestText({ digests }: Entry): string {
  const [first] = digests;
  return first === undefined ? 'none' : `${first[0]}:${first[1]}`;
}

/** What became of a page, for the journal: losses that were believed, and yanks and quarantine, which need no second look. */
export function changesOf(
  before: ProjectPage,
  after: ProjectPage,
): readonly Pick<JournalEntry, 'kind' | 'file' | 'digest' | 'before' | 'after'>[] {
  const changes: Pick<JournalEntry, 'kind' | 'file' | 'digest' | 'before' | 'after'>[] = [];
  const files = new Map(after.files.map((entry) => [entry.filename, entry]));
  for (const entry of before.files) {
    const now = files.get(entry.filename);
    const digest = digestText(entry);
    if (now === undefined) changes.push({ kind: 'removed', file: entry.filename, digest });
    else if (!agree(entry.digests, now.digests))
      changes.push({ kind: 'changed', file: entry.filename, digest, before: digest, after: digestText(now) });
    else if (entry.yanked === undefined && now.yanked !== undefined)
      changes.push({
        kind: 'yanked',
        file: entry.filename,
        digest,
        ...(now.yanked === true ? {} : { after: now.yanked }),
      });
    else if (entry.yanked !== undefined && now.yanked === undefined)
      changes.push({ kind: 'unyanked', file: entry.filename, digest });
  }
  if (before.projectStatus?.status !== 'quarantined' && after.projectStatus?.status === 'quarantined')
    changes.push({
      kind: 'quarantined',
      ...(after.projectStatus.reason === undefined ? {} : { after: after.projectStatus.reason }),
    });
  return changes;
}
