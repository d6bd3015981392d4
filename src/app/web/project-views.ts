import type { Caller } from '../../async/caller.ts';
import type { KnownListing, PackageIndex } from '../../mirror/package-index.ts';
import { hintText, type LeftOutFile } from '../../ports/left-out.ts';
import type { OwnFile } from '../../pypi/listing.ts';
import { versionOf } from '../../pypi/names.ts';
import { VERSION } from '../../version.ts';
import type { FileView, LeftOutFiles, ProjectView } from '../../web/project.ts';
import type { Composition } from '../compose.ts';
import { explanationParts } from '../explanation-text.ts';
import { filesNewestFirst, versionsNewestFirst } from './newest-first.ts';
import {
  advisoryView,
  isTelling,
  provenanceView,
  publishedView,
  ruleViews,
  type Told,
  type ToldParts,
  toldOf,
} from './told-views.ts';
import { changeHappening } from './words.ts';

/** Files of one page, versions that are named, and files that are named as left out. */
const FILES_A_PAGE = 20;
const MOST_VERSIONS = 40;
const MOST_LEFT_OUT = 25;
const MOST_ADVISORIES = 10;
/** Of the journal, what is looked at for one project, and what of that is shown. */
const CHANGES_LOOKED_AT = 500;
const MOST_CHANGES = 5;

type Parts = Pick<Composition, 'journal' | 'clock'> & ToldParts;

/** What is held of a project, for people; undefined where nothing is. `page`: from 1 on. Throws Refusal. */
export async function projectView(
  parts: Parts,
  index: PackageIndex,
  { project, page }: { readonly project: string; readonly page: number },
  caller: Caller,
): Promise<Omit<ProjectView, 'answering'> | undefined> {
  const { journal, clock } = parts;
  const known = await index.known(project, caller);
  if (known === undefined) return undefined;
  const explanation = await index.explain(project, caller, { held: true });
  const { listing } = known.page;
  const told = await toldOf(parts, index.name, { listing, versions: listing.versions });
  const all = filesNewestFirst(listing);
  const pages = Math.max(1, Math.ceil(all.length / FILES_A_PAGE));
  const at = Math.min(Math.max(1, page), pages);
  const shown = all.slice((at - 1) * FILES_A_PAGE, at * FILES_A_PAGE);
  const { head, vouchers, forge } = explanationParts(explanation, clock.now());
  const changes = await journal.latest(CHANGES_LOOKED_AT, { index: index.name, project }).catch(() => []);
  return {
    now: clock.now(),
    version: VERSION,
    index: index.name,
    project,
    evidence: index.evidence,
    ...standingText(known),
    status: statusText(known),
    head,
    vouchers,
    forge: forge.join(' '),
    versions: versionsNewestFirst(listing.versions).slice(0, MOST_VERSIONS),
    versionCount: listing.versions.length,
    files: await Promise.all(shown.map((file) => fileView(index, known, file, told))),
    fileCount: all.length,
    page: at,
    pages,
    leftOut: leftOutFiles(explanation.leftOut),
    leftOutCount: explanation.leftOut.length,
    rules: ruleViews(explanation),
    provenance: told.provenance && isTelling(told.provenance) ? provenanceView(told.provenance) : undefined,
    advisories: told.advisories?.slice(0, MOST_ADVISORIES).map(advisoryView),
    advisoryCount: told.advisories?.length ?? 0,
    changes: changes.slice(0, MOST_CHANGES).map(changeHappening),
  };
}

function standingText({ standing, age }: KnownListing): Pick<ProjectView, 'standing' | 'says'> {
  const since = age === undefined ? '' : ` Upstream stood by it ${ageText(age)} ago.`;
  switch (standing) {
    case 'fresh':
    case 'stale-while-revalidate':
      return { standing: 'fresh', says: `this is what installers get.${since}` };
    case 'stale-if-error':
      return { standing: 'stale', says: `upstream is asked again when somebody asks for it next.${since}` };
    case 'expired':
      return { standing: 'stale', says: `it is not served until upstream has stood by it again.${since}` };
  }
}

function ageText(seconds: number): string {
  const [size, unit] = seconds < 120 ? [1, 'seconds'] : seconds < 7200 ? [60, 'minutes'] : [3600, 'hours'];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function statusText({ page: { listing } }: KnownListing): string | undefined {
  const { status = 'active', reason } = listing.projectStatus ?? {};
  if (status === 'active') return undefined;
  return `that it is ${status}${reason === undefined ? '' : `: ${reason}`}`;
}

async function fileView(
  index: PackageIndex,
  { page }: KnownListing,
  file: OwnFile,
  { provenance: all }: Told,
): Promise<FileView> {
  const { entry, path, firstSight, carried, unproved, unheld } = file;
  const { filename, size, uploadTime, digests, yanked, requiresPython, provenance } = entry;
  const version = versionOf(filename, page.project);
  const isTold = provenance !== undefined && version !== undefined && index.unverified !== undefined;
  const encoded = encodeURIComponent(filename);
  return {
    filename,
    size,
    uploadTime,
    digests: Object.fromEntries(digests),
    evidence: unproved === true ? 'none' : firstSight === true ? 'first-sight' : index.evidence,
    carried,
    held: unheld !== true && (await index.isHeld(page, filename).catch(() => false)),
    yanked: yanked === true ? '' : yanked,
    requiresPython,
    path: `${path.slice(0, -filename.length)}${encoded}`,
    provenance: isTold ? `integrity/${page.project}/${encodeURIComponent(version)}/${encoded}/provenance` : undefined,
    published: all && publishedView(all, filename),
  };
}

function leftOutFiles(all: readonly LeftOutFile[]): readonly LeftOutFiles[] {
  const first = all.slice(0, MOST_LEFT_OUT);
  const whys = [...new Set(first.map(({ why }) => why))];
  return whys.map((why) => ({
    why,
    says: hintText(why),
    names: first.filter((each) => each.why === why).map(({ name }) => name),
  }));
}
