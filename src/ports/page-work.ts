import type { Caller } from '../async/caller.ts';
import type { Refusal } from '../bytes/refusal.ts';
import { type Change, changesOf } from '../pypi/changes.ts';
import { condense } from '../pypi/condense.ts';
import { decodeList, decodePage, decodeSerials } from '../pypi/decode.ts';
import { emptied, type Listing, withTimes } from '../pypi/listing.ts';
import { type Loss, lossesOf } from '../pypi/losses.ts';
import { refuseNoPage, type Sight } from '../pypi/observation.ts';
import type { Oddity, ProjectPage } from '../pypi/project-page.ts';
import { relink, type Undigested } from '../pypi/relink.ts';
import type { Bodies } from '../render/bodies.ts';
import { legacyJson } from '../render/legacy-json.ts';
import { renderList, renderPage } from '../render/render.ts';

/** A listing as far as it may be served. */
export interface Enforced {
  readonly listing: Listing;
  /** Files that are not listed, by name. */
  readonly withheld: ReadonlyMap<string, Refusal>;
  /** Announcements of core metadata that contradict the first one: the file is served, the announcement is not. */
  readonly silenced: ReadonlyMap<string, Refusal>;
  /** Files that are listed, and marked as not held here. */
  readonly unheld?: ReadonlySet<string> | undefined;
  /** By file name, what is drawn as the upload-time of files that state none: ours, and no part of the listing. */
  readonly times?: ReadonlyMap<string, string> | undefined;
  /** True where the page is drawn without any file. */
  readonly hidden?: boolean | undefined;
}

/** A page as it came, to be drawn. */
export interface PageSource {
  readonly project: string;
  readonly bytes: Uint8Array;
  /** Its own URL upstream. */
  readonly pageUrl: string;
  /** What links to files begin with; absent where they are relative. */
  readonly linkBase?: string | undefined;
}

/** The files of a page that it states no usable digest of, and how many others it has. */
export interface Digestless {
  readonly names: readonly string[];
  readonly digested: number;
}

/** What only the mirror knows, asked for between the steps of drawing. */
export interface PageSteps {
  /** What becomes of the files that the page states no digest of. Asked only where there are some. */
  readonly undigested?: (files: Digestless) => Promise<Undigested>;
  /** What pins and policy leave of the relinked page: that is what is drawn. */
  readonly enforce: (relinked: Listing) => Promise<Enforced>;
}

/** The legacy JSON of a project: its page as it came and as it is served, and upstream's document, if there is one. */
export interface LegacySource extends PageSource {
  readonly listing: Listing;
  readonly withheld: ReadonlySet<string>;
  readonly upstream: Uint8Array | undefined;
  readonly version: string | undefined;
  /** What file URLs begin with. */
  readonly base: string;
}

/** A page as it was seen once. */
export interface Seen {
  readonly bytes: Uint8Array;
  readonly serial: number | undefined;
}

/** What a page takes away of the one before it, and what became of its files. */
export interface Difference {
  readonly losses: readonly Loss[];
  readonly changes: readonly Change[];
  /** Of the page that is there now. */
  readonly odd: readonly Oddity[];
}

/** A count each, by normalized name. */
export type CountedProjects = Pick<ReadonlyMap<string, number>, 'get' | 'size'>;

/**
 * Decoding, relinking, comparing and drawing: pure work that takes a second for a page of 10,000 files or the list of
 * all projects, in which no other request may have to wait. All refuse `format`, `foreign`, `limit`; the caller's signal
 * ends its wait, not the work.
 */
export interface PageWork {
  drawPage(source: PageSource, steps: PageSteps, caller: Caller): Promise<Enforced & { readonly bodies: Bodies }>;
  /** Lean. */
  drawList(bytes: Uint8Array, caller: Caller): Promise<Bodies>;
  /** What a list of all projects counts for each, by normalized name. */
  serials(bytes: Uint8Array, caller: Caller): Promise<CountedProjects>;
  /** Undefined for a version that is not there. */
  drawLegacy(source: LegacySource, caller: Caller): Promise<Uint8Array | undefined>;
  /** Without a page before it there is nothing to lose; `after` is still judged whole. */
  compare(project: string, before: Seen | undefined, after: Seen, caller: Caller): Promise<Difference>;
  /** All of a page that `compare` looks at where it is the one before; undefined where that is no less than the page. */
  condense(project: string, bytes: Uint8Array, caller: Caller): Promise<Uint8Array | undefined>;
}

/** All of it here and now: for documents that are small. */
export const workHere: PageWork = {
  async drawPage({ project, bytes, pageUrl, linkBase }, { undigested, enforce }) {
    const decoded = decodePage(bytes, project);
    const files = undigestedOf(decoded);
    const enforced = await enforce(
      relink(decoded, {
        pageUrl,
        linkBase,
        undigested: files.names.length === 0 ? undefined : await undigested?.(files),
      }),
    );
    const { hidden, listing, times } = enforced;
    return { ...enforced, bodies: await renderPage(hidden === true ? emptied(listing) : withTimes(listing, times)) };
  },
  drawList: async (bytes) => renderList(decodeList(bytes)),
  serials: async (bytes) => decodeSerials(bytes),
  drawLegacy: async ({ upstream, listing, version, base }) => legacyJson(upstream, listing, version, base),
  async compare(project, before, after) {
    const sight = ({ bytes, serial }: Seen): Sight => ({ page: decodePage(bytes, project), serial });
    return differenceOf(before && sight(before), sight(after));
  },
  condense: async (project, bytes) => condense(decodePage(bytes, project)),
};

/** Bare anchors, MD5 alone. */
export function undigestedOf({ files }: ProjectPage): Digestless {
  const names = files.filter(({ digests }) => digests.size === 0).map(({ filename }) => filename);
  return { names, digested: files.length - names.length };
}

export function differenceOf(before: Sight | undefined, after: Sight): Difference {
  refuseNoPage(after);
  const { odd = [] } = after.page;
  if (before === undefined) return { losses: [], changes: [], odd };
  const losses = lossesOf(before, after);
  return { losses, changes: changesOf(before.page, after.page, losses), odd };
}
