import { agree, type Digests } from '../bytes/digest.ts';
import { isVariants } from './names.ts';
import type { Sight } from './observation.ts';
import type { Entry } from './project-page.ts';

/** One loss by its name: its kind, the file, and the value it comes to where there are several. */
export interface AcceptedLoss {
  readonly kind: string;
  readonly file?: string | undefined;
  readonly after?: string | undefined;
}

/** Something a new page takes away or contradicts: believed only when a second whole fetch, on a new connection, agrees. */
export interface Loss {
  readonly kind:
    | 'digest'
    | 'file'
    | 'yanked'
    | 'unyanked'
    | 'serial-lower'
    | 'serial-lost'
    | 'upload-time'
    | 'provenance'
    | 'core-metadata'
    | 'requires-python'
    | 'quarantined'
    | 'status';
  readonly file?: string | undefined;
  readonly before: string;
  readonly after: string;
}

/** What `after` lacks or contradicts of what `before` said. New files are no losses; a yank takes one away. */
export function lossesOf(before: Sight, after: Sight): readonly Loss[] {
  const losses: Loss[] = [...serialLosses(before.serial, after.serial)];
  const [status, next] = [before.page.projectStatus?.status ?? 'active', after.page.projectStatus?.status ?? 'active'];
  if (status !== next && (status === 'quarantined' || next === 'quarantined'))
    losses.push({ kind: next === 'quarantined' ? 'quarantined' : 'status', before: status, after: next });
  const files = new Map(after.page.files.map((entry) => [entry.filename, entry]));
  for (const entry of before.page.files) losses.push(...entryLosses(entry, files.get(entry.filename)));
  return losses;
}

function serialLosses(before: number | undefined, after: number | undefined): readonly Loss[] {
  if (before === undefined) return [];
  if (after === undefined) return [{ kind: 'serial-lost', before: String(before), after: 'none' }];
  return after < before ? [{ kind: 'serial-lower', before: String(before), after: String(after) }] : [];
}

/** True where an operator's audited word lets this loss be believed (`verbatim accept-change`). */
export function isAccepted(loss: Loss, accepted: readonly AcceptedLoss[]): boolean {
  return accepted.some(
    ({ kind, file, after }) =>
      kind === loss.kind && file === loss.file && (after === undefined || after === loss.after),
  );
}

/** True where two looks lost the same: other things may have been added between them. */
export function sameLosses(a: readonly Loss[], b: readonly Loss[]): boolean {
  return a.length === b.length && a.every((loss, at) => isSame(loss, b[at]));
}

function isSame(a: Loss, b: Loss | undefined): boolean {
  // A serial may have gone on between the looks; that it is lower (or lost) is what they agree on.
  return a.kind === b?.kind && a.file === b.file && (a.kind === 'serial-lower' || a.after === b.after);
}

function entryLosses(before: Entry, after: Entry | undefined): readonly Loss[] {
  const file = before.filename;
  if (after === undefined) return [{ kind: 'file', file, before: textOf(before.digests), after: 'gone' }];
  const losses: Loss[] = [];
  const lost = (kind: Loss['kind'], was: string, is: string) => losses.push({ kind, file, before: was, after: is });
  // What changes by nature takes nothing away by it.
  if (!isVariants(file) && isOtherFile(before, after)) lost('digest', writtenOf(before), writtenOf(after));
  if (before.yanked === undefined && after.yanked !== undefined)
    lost('yanked', 'not yanked', after.yanked === true ? 'yanked' : after.yanked);
  if (before.yanked !== undefined && after.yanked === undefined) lost('unyanked', 'yanked', 'not yanked');
  if (before.uploadTime !== undefined && after.uploadTime !== before.uploadTime)
    lost('upload-time', before.uploadTime, after.uploadTime ?? 'none');
  if (before.provenance !== undefined && after.provenance === undefined) lost('provenance', before.provenance, 'none');
  // A bound that nobody's Python meets hides a file as a yank does, and steers installers to an older release.
  if (after.requiresPython !== before.requiresPython)
    lost('requires-python', before.requiresPython ?? 'none', after.requiresPython ?? 'none');
  const [core, next] = [coreOf(before), coreOf(after)];
  if (core.size > 0 && !agree(core, next)) lost('core-metadata', textOf(core), textOf(next));
  return losses;
}

/** Its digests are others, or gone; where it has none, MD5 or SHA-1 say so. */
function isOtherFile(before: Entry, after: Entry): boolean {
  if (before.digests.size > 0) return !agree(before.digests, after.digests);
  if (before.weak === undefined || after.digests.size > 0) return false;
  return [...before.weak].some(([name, hex]) => after.weak?.get(name) !== hex);
}

/** The first of its digests, a weak one where there is no other. */
function writtenOf({ digests, weak }: Entry): string {
  const [first] = [...digests, ...(weak ?? [])];
  return first === undefined ? 'none' : `${first[0]}:${first[1]}`;
}

function coreOf({ coreMetadata }: Entry): Digests {
  return typeof coreMetadata === 'object' ? coreMetadata : new Map();
}

/** Digests for people: the first, with its algorithm. */
export function textOf(digests: Digests): string {
  const [first] = digests;
  return first === undefined ? 'none' : `${first[0]}:${first[1]}`;
}

const MOST_NAMED = 5;

/** Losses for people, both values of each, in one line of bounded length. */
export function lossText(losses: readonly Loss[]): string {
  const named = losses
    .slice(0, MOST_NAMED)
    .map(
      ({ kind, file, before, after }) => `${kind}${file === undefined ? '' : ` of ${file}`} (${before} -> ${after})`,
    );
  return losses.length > MOST_NAMED ? `${named.join(', ')} and ${losses.length - MOST_NAMED} more` : named.join(', ');
}
