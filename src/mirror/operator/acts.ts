import { type Digests, isDigest } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { IndexState, PageContent, Pin } from '../../ports/index-state.ts';
import type { AcceptedLoss } from '../../pypi/losses.ts';
import { normalizeName } from '../../pypi/names.ts';
import { publisherAct } from './publisher-act.ts';

/** What the operator accepts, as the command line names it: exactly one of these. */
export interface ChangeFlags {
  readonly digest?: string | undefined;
  readonly coreMetadata?: string | undefined;
  readonly serial?: string | undefined;
  readonly removed?: boolean | undefined;
  readonly unyanked?: boolean | undefined;
  readonly unquarantined?: boolean | undefined;
  readonly lost?: 'upload-time' | 'provenance' | 'core-metadata' | undefined;
  /** A version, or none. */
  readonly publisher?: string | undefined;
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
  readonly state: Pick<IndexState, 'pins' | 'page' | 'projects' | 'provenance'>;
  readonly now: Instant;
  /** Why the operator wants it. */
  readonly reason?: string | undefined;
}

/** The one change named, as acts to carry out. Throws Refusal for what is not there, and for none or several. */
export async function actsOf(place: Place, { project: given, file, change }: Named): Promise<readonly Act[]> {
  const named = Object.values(change).filter((value) => value !== undefined && value !== false);
  if (named.length !== 1)
    throw usage(
      'Name exactly one change: --digest, --core-metadata, --serial, --removed, --unyanked, --unquarantined, --lost, --publisher or --revoke-fetch.',
    );
  const project = given === undefined ? undefined : normalizeName(given);
  if (given !== undefined && project === undefined) throw usage(`"${given}" is no project's name.`);
  if (change.revokeFetch !== undefined) return revokeActs(place, change.revokeFetch, project);
  if (project === undefined) throw usage('Say which project.');
  if (change.serial !== undefined) return [await serialAct(place, project, change.serial)];
  if (change.publisher !== undefined) return [await publisherAct(place.state, project, change.publisher, place)];
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
export async function digestAct(
  { state, now }: Place,
  project: string,
  file: string,
  text: string,
  which: 'digests' | 'coreMetadata',
): Promise<Act> {
  const digests = digestsOf(text);
  const pin = (await state.pins(project).read())?.value.get(file);
  if (pin === undefined) throw unknown(`No digest is pinned for ${file} of ${project}.`);
  const next = (old: Pin): Pin =>
    which === 'coreMetadata'
      ? { ...old, coreMetadata: digests }
      : {
          digests,
          seen: now,
          ...(old.uploadTime !== undefined && { uploadTime: old.uploadTime }),
          // Upstream still states none: what it is called and where it lies stays.
          ...(old.firstSight === true && { firstSight: true }),
        };
  return {
    project,
    file,
    what: which === 'digests' ? 'digest' : 'core metadata digest',
    before: digestText(pin[which]),
    after: digestText(digests),
    async carryOut() {
      await state.pins(project).change((was) => {
        const old = was?.value.get(file);
        return old && new Map([...(was?.value ?? []), [file, next(old)]]);
      });
      await accepting(state, project, { kind: which === 'digests' ? 'digest' : 'core-metadata', file, after: text });
    },
  };
}

/** The floor becomes the serial named; what the page loses by it still takes a second look. */
export async function serialAct({ state }: Place, project: string, text: string): Promise<Act> {
  if (text !== 'none' && !/^\d{1,15}$/.test(text)) throw usage('--serial takes a number, or none.');
  const serial = text === 'none' ? undefined : Number(text);
  const known = (await state.page(project).read())?.value;
  if (known === undefined) throw noPage(project);
  const before = Math.max((known.gone ?? known.page).serial ?? -1, known.page?.seenSerial ?? -1);
  return {
    project,
    file: undefined,
    what: 'serial',
    before: before < 0 ? 'none' : String(before),
    after: text,
    async carryOut() {
      await state.page(project).change((was) => {
        if (was === undefined) return undefined;
        const { page } = was.value;
        return page === undefined
          ? { gone: { ...was.value.gone, serial } }
          : { page: { ...page, serial, seenSerial: serial, etag: undefined } };
      });
    },
  };
}

/** The project is gone by the operator's word, and its name free: where several indexes are behind one address, the next one may have it. */
async function projectGoneAct({ state }: Place, project: string): Promise<Act> {
  const known = (await state.page(project).read())?.value;
  const wasSeen = known !== undefined || ((await state.pins(project).read())?.value.size ?? 0) > 0;
  if (!wasSeen || known?.gone?.released === true) throw noPage(project);
  const isListed = known?.page !== undefined;
  return {
    project,
    file: undefined,
    what: isListed ? 'the disappearance of the project' : 'that its name is free',
    before: isListed ? 'listed' : 'kept for this index',
    after: 'gone',
    async carryOut() {
      await state.page(project).change((was) => {
        const { serial } = was?.value.page ?? was?.value.gone ?? { serial: undefined };
        return { gone: { serial, released: true } };
      });
    },
  };
}

async function lossAct(
  { state }: Place,
  project: string,
  file: string | undefined,
  kind: string,
  before: string,
  after: string | undefined,
): Promise<Act> {
  await pageOf(state, project);
  return {
    project,
    file,
    what: LOSSES[kind] ?? `the loss of its ${kind}`,
    before,
    after: after ?? 'anything else',
    carryOut: () => accepting(state, project, { kind, file, after }),
  };
}

const LOSSES: Readonly<Record<string, string>> = {
  file: 'the disappearance of the file',
  unyanked: 'that it is yanked no longer',
  status: 'that it is quarantined no longer',
};

/** Everything that one fetch of a page brought in is as if it had never been seen. */
async function revokeActs({ state }: Place, fetch: string, only: string | undefined): Promise<readonly Act[]> {
  const acts: Act[] = [];
  for await (const project of state.projects('pins')) {
    if (only !== undefined && project !== only) continue;
    const pins = (await state.pins(project).read())?.value ?? new Map<string, Pin>();
    for (const [file, pin] of pins) if (pin.fetch === fetch) acts.push(revokedPin(state, project, file, pin));
  }
  for await (const project of state.projects('pages')) {
    if (only !== undefined && project !== only) continue;
    if ((await state.page(project).read())?.value.page?.fetch === fetch) acts.push(revokedPage(state, project, fetch));
  }
  return acts;
}

function revokedPin(state: Place['state'], project: string, file: string, { digests }: Pin): Act {
  return {
    project,
    file,
    what: 'its pin taken back',
    before: digestText(digests),
    after: 'none',
    async carryOut() {
      await state.pins(project).change((was) => {
        if (was?.value.has(file) !== true) return undefined;
        const next = new Map(was.value);
        next.delete(file);
        return next;
      });
    },
  };
}

function revokedPage(state: Place['state'], project: string, fetch: string): Act {
  return {
    project,
    file: undefined,
    what: 'its page taken back',
    before: 'kept',
    after: 'none',
    async carryOut() {
      // Its serial was the fetch's word, too.
      await state
        .page(project)
        .change((was) => (was?.value.page?.fetch === fetch ? { gone: { serial: undefined } } : undefined));
    },
  };
}

/** Notes an acceptance with the page, where there is one; a running server reads it again before it asks upstream. */
async function accepting(state: Place['state'], project: string, loss: AcceptedLoss): Promise<void> {
  await state.page(project).change((was) => {
    const page = was?.value.page;
    // Without its tag the next look is a whole one.
    return page && { page: { ...page, etag: undefined, accepted: [...(page.accepted ?? []), loss] } };
  });
}

async function pageOf(state: Place['state'], project: string): Promise<PageContent> {
  const page = (await state.page(project).read())?.value.page;
  if (page === undefined) throw noPage(project);
  return page;
}

function noPage(project: string): Refusal {
  return unknown(`No page of ${project} is kept that something could be lost from.`);
}

export function digestsOf(text: string): Digests {
  const [algorithm = '', hex = ''] = text.split(':');
  if (!isDigest(algorithm, hex)) throw usage(`"${text}" is no digest such as sha256:HEX, in lower case.`);
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
