import { type Digests, isAlgorithm, isDigest } from '../bytes/digest.ts';
import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { PageRecord, Pin } from '../ports/index-state.ts';
import type { AcceptedLoss } from '../pypi/losses.ts';
import { normalizeName } from '../pypi/names.ts';
import type { PageFiles } from '../state/pages.ts';
import type { PinStore } from '../state/pins.ts';

/** What the operator accepts, as the command line names it: exactly one of these. */
export interface ChangeFlags {
  readonly digest?: string | undefined;
  readonly coreMetadata?: string | undefined;
  readonly serial?: string | undefined;
  readonly removed?: boolean | undefined;
  readonly unyanked?: boolean | undefined;
  readonly unquarantined?: boolean | undefined;
  readonly lost?: 'upload-time' | 'provenance' | 'core-metadata' | undefined;
  readonly revokeFetch?: string | undefined;
}

/** What was named on the command line. */
export interface Named {
  readonly project: string | undefined;
  readonly file: string | undefined;
  readonly change: ChangeFlags;
}

/** One thing that becomes otherwise by the operator's word. */
export interface Act {
  readonly project: string;
  readonly file: string | undefined;
  readonly what: string;
  readonly before: string;
  readonly after: string;
  carryOut(): Promise<void>;
}

/** What an act works on. */
export interface Place {
  readonly pins: PinStore;
  readonly pages: PageFiles;
  readonly now: Instant;
}

/** The one change named, as acts to carry out. Throws Refusal for what is not there, and for none or several. */
export async function actsOf(place: Place, { project: given, file, change }: Named): Promise<readonly Act[]> {
  const named = Object.values(change).filter((value) => value !== undefined && value !== false);
  if (named.length !== 1)
    throw usage(
      'Name exactly one change: --digest, --core-metadata, --serial, --removed, --unyanked, --unquarantined, --lost or --revoke-fetch.',
    );
  const project = given === undefined ? undefined : normalizeName(given);
  if (given !== undefined && project === undefined) throw usage(`"${given}" is no project's name.`);
  if (change.revokeFetch !== undefined) return revokeActs(place, change.revokeFetch, project);
  if (project === undefined) throw usage('Say which project.');
  if (change.serial !== undefined) return [await serialAct(place, project, change.serial)];
  if (change.unquarantined === true)
    return [await lossAct(place, project, undefined, 'status', 'quarantined', undefined)];
  if (change.removed === true && file === undefined) return [await projectGoneAct(place, project)];
  if (file === undefined) throw usage('Say which file.');
  if (change.digest !== undefined) return [await digestAct(place, project, file, change.digest, 'digests')];
  if (change.coreMetadata !== undefined)
    return [await digestAct(place, project, file, change.coreMetadata, 'coreMetadata')];
  if (change.removed === true) return [await lossAct(place, project, file, 'file', 'listed', 'gone')];
  if (change.unyanked === true) return [await lossAct(place, project, file, 'unyanked', 'yanked', 'not yanked')];
  return [await lossAct(place, project, file, change.lost ?? '', 'stated', 'none')];
}

/** Another digest under a name that has one: the pin itself is replaced. */
async function digestAct(
  { pins, pages, now }: Place,
  project: string,
  file: string,
  text: string,
  which: 'digests' | 'coreMetadata',
): Promise<Act> {
  const digests = digestsOf(text);
  const pin = (await pins.of(project)).get(file);
  if (pin === undefined) throw unknown(`No digest is pinned for ${file} of ${project}.`);
  const next: Pin =
    which === 'coreMetadata'
      ? { ...pin, coreMetadata: digests }
      : { digests, seen: now, ...(pin.uploadTime !== undefined && { uploadTime: pin.uploadTime }) };
  return {
    project,
    file,
    what: which === 'digests' ? 'digest' : 'core metadata digest',
    before: digestText(pin[which]),
    after: digestText(digests),
    async carryOut() {
      await pins.replace(project, file, next);
      await accepting(pages, project, { kind: which === 'digests' ? 'digest' : 'core-metadata', file, after: text });
    },
  };
}

/** The floor becomes the serial named; what the page loses by it still takes a second look. */
async function serialAct({ pages }: Place, project: string, text: string): Promise<Act> {
  if (text !== 'none' && !/^\d{1,15}$/.test(text)) throw usage('--serial takes a number, or none.');
  const serial = text === 'none' ? undefined : Number(text);
  const gone = await pages.gone(project);
  const record = gone === undefined ? await pageOf(pages, project) : undefined;
  const before = Math.max(gone?.serial ?? record?.serial ?? -1, record?.seenSerial ?? -1);
  return {
    project,
    file: undefined,
    what: 'serial',
    before: before < 0 ? 'none' : String(before),
    after: text,
    carryOut: () =>
      record === undefined
        ? pages.removeTo(project, serial)
        : pages.save({ ...record, serial, seenSerial: serial, etag: undefined }),
  };
}

async function projectGoneAct({ pages }: Place, project: string): Promise<Act> {
  await pageOf(pages, project);
  return {
    project,
    file: undefined,
    what: 'the disappearance of the project',
    before: 'listed',
    after: 'gone',
    carryOut: () => pages.remove(project),
  };
}

async function lossAct(
  { pages }: Place,
  project: string,
  file: string | undefined,
  kind: string,
  before: string,
  after: string | undefined,
): Promise<Act> {
  await pageOf(pages, project);
  return {
    project,
    file,
    what: LOSSES[kind] ?? `the loss of its ${kind}`,
    before,
    after: after ?? 'anything else',
    carryOut: () => accepting(pages, project, { kind, file, after }),
  };
}

const LOSSES: Readonly<Record<string, string>> = {
  file: 'the disappearance of the file',
  unyanked: 'that it is yanked no longer',
  status: 'that it is quarantined no longer',
};

/** Everything that one fetch of a page brought in is as if it had never been seen. */
async function revokeActs({ pins, pages }: Place, fetch: string, only: string | undefined): Promise<readonly Act[]> {
  const acts: Act[] = [];
  for await (const project of pins.projects()) {
    if (only !== undefined && project !== only) continue;
    for (const [file, pin] of await pins.of(project))
      if (pin.fetch === fetch)
        acts.push({
          project,
          file,
          what: 'its pin taken back',
          before: digestText(pin.digests),
          after: 'none',
          carryOut: () => pins.revoke(project, [file]),
        });
  }
  for await (const { project, fetch: by } of pages.all()) {
    if (by !== fetch || (only !== undefined && project !== only)) continue;
    acts.push({
      project,
      file: undefined,
      what: 'its page taken back',
      before: 'kept',
      after: 'none',
      // Its serial was the fetch's word, too.
      carryOut: () => pages.removeTo(project, undefined),
    });
  }
  return acts;
}

/** Notes an acceptance with the page, where there is one; a running server reads it again before it asks upstream. */
async function accepting(pages: PageFiles, project: string, loss: AcceptedLoss): Promise<void> {
  const record = await pages.load(project);
  // Without its tag the next look is a whole one.
  if (record !== undefined)
    await pages.save({ ...record, etag: undefined, accepted: [...(record.accepted ?? []), loss] });
}

async function pageOf(pages: PageFiles, project: string): Promise<PageRecord> {
  const record = await pages.load(project);
  if (record === undefined) throw unknown(`No page of ${project} is kept that something could be lost from.`);
  return record;
}

function digestsOf(text: string): Digests {
  const [algorithm = '', hex = ''] = text.split(':');
  if (!isAlgorithm(algorithm) || !isDigest(algorithm, hex))
    throw usage(`"${text}" is no digest such as sha256:HEX, in lower case.`);
  return new Map([[algorithm, hex]]);
}

function digestText(digests: Digests | undefined): string {
  return [...(digests ?? [])].map(([algorithm, hex]) => `${algorithm}:${hex}`).join(' ') || 'none';
}

function usage(message: string): Refusal {
  return new Refusal('format', message, { subject: 'request' });
}

function unknown(message: string): Refusal {
  return new Refusal('unlisted', message, { subject: 'request' });
}
