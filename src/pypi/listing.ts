import type { ContentPath } from '../bytes/content-path.ts';
import type { Entry, Extra, LeftOut, Oddity, ProjectStatus } from './project-page.ts';
import { listedVersions } from './versions.ts';

/** Which key of this site signed the manifest that names it, and as of when: "as carried by KEY on DATE". */
export type CarriedLabel = `as carried by ${string}`;

/** One file of a project as this mirror offers it. */
export interface OwnFile {
  /** Upstream's line, with every digest and the size that are known. */
  readonly entry: Entry;
  /** Where upstream keeps it. */
  readonly upstream: string;
  /** Where this mirror does, below `<prefix>/`, decoded: `packages/aa/bb/rest/FILE` or `files/PROJECT/DIGEST/FILE`. */
  readonly path: string;
  readonly content?: ContentPath | undefined;
  /** Upstream states no digest of it: those of the entry, if any, are what it was when it was first seen here. */
  readonly firstSight?: true | undefined;
  /** Upstream states no digest of it, and a signed manifest does. */
  readonly carried?: CarriedLabel | undefined;
  /** Its bytes may change, and nobody vouches for them. */
  readonly unproved?: true | undefined;
  /** This mirror does not have it, and asks nobody for it. */
  readonly unheld?: true | undefined;
}

/**
 * `path` encoded and relative to `<prefix>/simple/<name>/`, or below `base`: no header can poison it. Of a path only the file name
 * needs it.
 */
export function hrefOf({ path, entry: { filename } }: OwnFile, base?: string | undefined): string {
  return `${base ?? '../../'}${path.slice(0, -filename.length)}${encodeURIComponent(filename)}`;
}

/** The derived view of a project page: what is rendered, and how a URL of ours finds its file again. */
export interface Listing {
  readonly name: string;
  readonly apiVersion: string;
  readonly files: ReadonlyMap<string, OwnFile>;
  /** Files under packages/, by `aa/bb/rest/FILE`. */
  readonly byContentPath: ReadonlyMap<string, OwnFile>;
  readonly versions: readonly string[];
  /** Where clients reach this index, absolute and with a slash at the end, where links are to be whole; else they are relative. */
  readonly linkBase?: string | undefined;
  readonly projectStatus?: ProjectStatus | undefined;
  /** In what upstream's page is not as its norm wants it, and was read all the same; absent for none. */
  readonly odd?: readonly Oddity[] | undefined;
  readonly meta: Extra;
  readonly extra: Extra;
  /** Lines of upstream's page that are not here, by why. */
  readonly leftOut: LeftOut;
}

/** What pins and rules look at of a file. */
export interface JudgedFile {
  readonly entry: Pick<Entry, 'filename' | 'digests' | 'coreMetadata' | 'uploadTime' | 'provenance'>;
  readonly path: string;
  readonly carried?: CarriedLabel | undefined;
  /** The page listed it once and lists it no more: of what was announced beside it no page tells. */
  readonly removed?: true | undefined;
}

/** What pins and rules look at of a page: of a listing they know nothing else. */
export interface JudgedPage extends Pick<Listing, 'name' | 'projectStatus'> {
  readonly files: ReadonlyMap<string, JudgedFile>;
}

/** A listing without its files, which may be tens of thousands. */
export type ListingHead = Omit<Listing, 'files' | 'byContentPath'>;

/** The listing of these files, each name once. */
export function listingOf(head: ListingHead, files: Iterable<OwnFile>): Listing {
  const gathering = gatherListing(head);
  gathering.add(files);
  return gathering.listing;
}

/** A listing whose files come in parts. */
export function gatherListing(head: ListingHead) {
  const files = new Map<string, OwnFile>();
  const byContentPath = new Map<string, OwnFile>();
  const listing: Listing = { ...head, files, byContentPath };
  return {
    add(part: Iterable<OwnFile>): void {
      for (const file of part) {
        files.set(file.entry.filename, file);
        if (file.content !== undefined) byContentPath.set(file.path.slice('packages/'.length), file);
      }
    },
    listing,
  };
}

/** What of a listing is not served, by file name. */
export interface NotServed {
  /** Files that are not listed at all. */
  readonly withheld: Names;
  /** Files whose core metadata is not announced. */
  readonly silenced: Names;
  /** Files that are listed, and marked as not held. */
  readonly unheld?: Names | undefined;
}

const NO_NAMES: Names = new Set<string>();

type Names = Pick<ReadonlySet<string>, 'has' | 'size'>;

/** The listing without what is not served. */
export function without(listing: Listing, { withheld, silenced, unheld = NO_NAMES }: NotServed): Listing {
  if (withheld.size === 0 && silenced.size === 0 && unheld.size === 0) return listing;
  const { files, byContentPath: _, ...head } = listing;
  const kept = [...files.values()].filter(({ entry }) => !withheld.has(entry.filename));
  const entries = kept.map(({ entry }) => entry);
  const versions = withheld.size === 0 ? head.versions : listedVersions(head.versions, entries, head.name);
  return listingOf(
    { ...head, versions },
    kept.map((file) => {
      const { filename } = file.entry;
      const said = silenced.has(filename) ? quiet(file) : file;
      return unheld.has(filename) ? { ...said, unheld: true } : said;
    }),
  );
}

/** The listing with upload-times, by file name, of files that state none. */
export function withTimes(listing: Listing, times: ReadonlyMap<string, string> | undefined): Listing {
  if (times === undefined) return listing;
  const { files, byContentPath: _, ...head } = listing;
  const timed = [...files.values()].map((file) => {
    const uploadTime = file.entry.uploadTime ?? times.get(file.entry.filename);
    return uploadTime === file.entry.uploadTime ? file : { ...file, entry: { ...file.entry, uploadTime } };
  });
  return listingOf(head, timed);
}

/** The listing of a project that offers nothing. */
export function emptied({ files: _, byContentPath: __, ...head }: Listing): Listing {
  return listingOf({ ...head, versions: [] }, []);
}

function quiet(file: OwnFile): OwnFile {
  const { coreMetadata: _, ...entry } = file.entry;
  return { ...file, entry };
}
