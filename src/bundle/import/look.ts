import type { Caller } from '../../async/caller.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Candidate } from '../../mirror/package-index.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Entry } from '../format/model.ts';
import type { ReadBundle } from './opened.ts';

/** A file that this site holds back, though its page lists it: its own pins or rules say so. */
export interface HeldBack {
  readonly project: string;
  readonly file: string;
  readonly reason: Reason;
}

/** What was looked into. */
export interface LookedInto {
  readonly pages: number;
  readonly files: number;
  /** Of an index signed with TUF, besides the files of its pages. */
  readonly targets: number;
  readonly heldBack: readonly HeldBack[];
}

/** Asked for each file that is proved; throws where it must not be served. */
export type OnFile = (entry: Entry, blob: Blob) => Promise<void>;

/** This site's own word against a file: it stays unserved, whatever a bundle says. */
const OWN: ReadonlySet<Reason> = new Set(['changed', 'policy', 'regressed']);
const HELD_BACK_MOST = 1000;

type Listed = Awaited<ReturnType<Candidate['listing']>>;

/**
 * Every page, file, role and target of a bundle by its evidence, before anything of it is believed: pages are those that the signed metadata or the manifest names, files
 * are what their pages list, targets what roles list. Throws Refusal where one is not.
 */
export async function lookInto(
  bundle: ReadBundle,
  candidate: Candidate,
  caller: Caller,
  onFile: OnFile,
): Promise<LookedInto> {
  const heldBack: HeldBack[] = [];
  const done = { pages: 0, files: 0, targets: 0 };
  let page: { readonly project: string; readonly listed: Listed } | undefined;
  for await (const given of bundle.lines()) {
    if (given.line !== 'entry') continue;
    const { entry } = given;
    const { kind, project, name } = entry;
    if (kind === 'targets' && name !== undefined && name !== 'targets') await rolesOf(candidate).keep(name, caller);
    if (kind === 'target' && name !== undefined) {
      const blob = await rolesOf(candidate).target(name, caller);
      refuseOther(entry, blob.sha256);
      await onFile(entry, blob);
      done.targets++;
    }
    if (project === undefined || (kind !== 'page' && kind !== 'file' && kind !== 'core-metadata')) continue;
    if (page?.project !== project) page = { project, listed: await candidate.listing(project, caller) };
    if (kind === 'page') {
      refuseOther(entry, page.listed.believed.source?.sha256);
      done.pages++;
    } else if (kind === 'core-metadata') refuseOtherMetadata(entry, page.listed);
    else if (name !== undefined) {
      const blob = await opened(candidate, page.listed, name, caller).catch((error: unknown) => {
        if (!(error instanceof Refusal) || !OWN.has(error.reason)) throw error;
        if (heldBack.length < HELD_BACK_MOST) heldBack.push({ project, file: name, reason: error.reason });
        return undefined;
      });
      if (blob === undefined) continue;
      refuseOther(entry, blob.sha256);
      await onFile(entry, blob);
      done.files++;
    }
  }
  return { ...done, heldBack };
}

function rolesOf({ roles }: Candidate): NonNullable<Candidate['roles']> {
  if (roles === undefined) throw other('It carries signed roles or targets of an index that signs nothing.');
  return roles;
}

async function opened(candidate: Candidate, page: Listed, name: string, caller: Caller): Promise<Blob> {
  try {
    return await candidate.open(page, name, caller);
  } catch (error) {
    const isUnlisted = error instanceof Refusal && error.reason === 'unlisted';
    if (isUnlisted && page.leftOut().some((line) => line.name === name && line.why === 'no-digest'))
      throw new Refusal(
        'policy',
        `The page states no digest of ${name}, and this site takes none from a manifest (undigested: withhold).`,
        {
          subject: 'file',
        },
      );
    if (isUnlisted) throw other(`${name} is carried, and the page of ${page.project} does not list it.`);
    throw error;
  }
}

function refuseOther({ kind, project, name = project, sha256 }: Entry, proved: string | undefined): void {
  if (proved !== sha256)
    throw other(
      `The manifest names another ${kind} of ${name} than its evidence does: this bundle was put together wrongly.`,
    );
}

function refuseOtherMetadata({ name = '', sha256 }: Entry, { listing }: Listed): void {
  const stated = listing.files.get(name)?.entry.coreMetadata;
  const announced = stated === undefined || stated === 'announced' ? undefined : stated.get('sha256');
  if (announced !== undefined && announced !== sha256)
    throw other(`The core metadata of ${name} is not what its page announces.`);
}

function other(message: string): Refusal {
  return new Refusal('mix-and-match', message, { subject: 'request' });
}
