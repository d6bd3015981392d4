import { ALGORITHMS, type Algorithm, type Digests, isAlgorithm, isDigest, type Statement } from '../bytes/digest.ts';
import { baseOf, resolveLink } from './links.ts';
import { type CarriedLabel, type Listing, listingOf, type OwnFile } from './listing.ts';
import { isVariants } from './names.ts';
import { countFaults, type Entry, type Fault, type ProjectPage } from './project-page.ts';
import { derivedVersions, listedVersions } from './versions.ts';

interface Relinking {
  /** The page's own URL upstream. */
  readonly pageUrl: string;
  /** What links begin with; absent where they are relative. */
  readonly linkBase?: string | undefined;
  readonly undigested?: Undigested | undefined;
}

/** What is known of a file that its page states no digest of. */
export interface KnownFile extends Statement {
  /** It is what the file was when it was first seen here. */
  readonly firstSight?: true | undefined;
  /** It is what a signed manifest names. */
  readonly carried?: CarriedLabel | undefined;
}

/** Files that the page states no digest of. */
export interface Undigested {
  /** By file name: a signed target, what a signed manifest names, or what is pinned. */
  readonly known: ReadonlyMap<string, KnownFile>;
  /** What becomes of all others: listed, to be believed at first sight, or left out for that reason. */
  readonly others: 'first-sight' | 'no-digest' | 'lost-digest';
}

const LEFT_OUT: Undigested = { known: new Map(), others: 'no-digest' };

/** Where a path has a digest, that of a file whose page states none: the same before and after it was first seen. */
const FIRST_SIGHT = 'first-sight';
/** The same of a file that changes under its name (PEP 825), and is never held to anything. */
export const UNPROVED = 'unproved';

/** Rewrites a page to this mirror's URLs. Lines that contradict themselves or what is known are left out. */
export function relink(page: ProjectPage, { pageUrl, linkBase, undigested = LEFT_OUT }: Relinking): Listing {
  const base = baseOf(pageUrl, page.base);
  const faults = countFaults(page.leftOut);
  const files = new Map<string, OwnFile>();
  for (const entry of page.files) {
    const file = relinkEntry(entry, page.name, base, undigested);
    if (typeof file === 'string') faults.add({ why: file, name: entry.filename });
    else files.set(entry.filename, file);
  }
  const kept = [...files.values()].map(({ entry }) => entry);
  const versions =
    page.versions === undefined
      ? derivedVersions(kept, page.name)
      : faults.leftOut.counts.size === 0
        ? page.versions
        : listedVersions(page.versions, kept, page.name);
  const head = {
    name: page.name,
    apiVersion: honestVersion(page.apiVersion, kept),
    versions,
    linkBase,
    projectStatus: page.projectStatus,
    odd: page.odd,
    meta: page.meta,
    // PEP 752: a claim to namespaces does not carry over to mirrors.
    extra: new Map([...page.extra].filter(([key]) => key !== 'namespaces')),
    leftOut: faults.leftOut,
  };
  return listingOf(head, files.values());
}

function relinkEntry(entry: Entry, project: string, base: string, { known: all, others }: Undigested): OwnFile | Fault {
  const known = all.get(entry.filename);
  const link = resolveLink(entry.url, base);
  if (link === undefined || link.filename !== entry.filename) return 'url';
  const digests = join(entry.digests, known?.digests);
  if (digests === undefined || (known?.length !== undefined && known.length !== (entry.size ?? known.length)))
    return 'disagrees';
  // The page's own digest names the file for years of lock files, whatever is learnt of it later.
  const isBare = known === undefined ? digests.size === 0 && others === 'first-sight' : known.firstSight === true;
  const unproved = isBare && isVariants(entry.filename);
  const firstSight = isBare && !unproved;
  // The site that it was carried from has it at that address.
  const own = firstSight || known?.carried !== undefined ? FIRST_SIGHT : unproved ? UNPROVED : digestLabel(digests);
  const label = digestLabel(entry.digests) ?? own;
  if (label === undefined) return others === 'first-sight' ? 'no-digest' : others;
  const { content } = link;
  const folders =
    content === undefined || unproved ? ['files', project, label] : ['packages', content.aa, content.bb, content.rest];
  return {
    entry: known === undefined ? entry : { ...entry, digests, size: entry.size ?? known.length },
    upstream: link.url,
    path: [...folders, entry.filename].join('/'),
    content: unproved ? undefined : content,
    ...(firstSight && { firstSight }),
    ...(unproved && { unproved }),
    ...(known?.carried !== undefined && entry.digests.size === 0 && { carried: known.carried }),
  };
}

/** Both together; undefined where they contradict each other. */
function join(listed: Digests, known: Digests | undefined): Digests | undefined {
  if (known === undefined) return listed;
  for (const [algorithm, hex] of known) if ((listed.get(algorithm) ?? hex) !== hex) return undefined;
  return new Map([...listed, ...known]);
}

/** PEP 700 (1.1) demands every size; a page that lacks one is 1.0 whatever upstream says, and no page is above 1.4. */
function honestVersion(upstream: string, files: readonly Entry[]): string {
  if (files.some(({ size }) => size === undefined)) return '1.0';
  const minor = Number(upstream.slice('1.'.length));
  return `1.${Math.min(Math.max(minor, 1), HIGHEST_MINOR)}`;
}

/** PEP 792; 1.5 claims namespaces (PEP 752), which a mirror does not have. */
export const HIGHEST_MINOR = 4;

/** How a digest stands in a path: the sha256 bare, another as `sha512-HEX`; undefined where none is known. */
function digestLabel(digests: Digests): string | undefined {
  for (const algorithm of ALGORITHMS) {
    const hex = digests.get(algorithm);
    if (hex !== undefined) return algorithm === 'sha256' ? hex : `${algorithm}-${hex}`;
  }
  return undefined;
}

/** Reads a path's digest back; undefined for anything but the one spelling of a known digest. */
export function parseDigestLabel(label: string): readonly [Algorithm, string] | undefined {
  const dash = label.lastIndexOf('-');
  const algorithm = dash === -1 ? 'sha256' : label.slice(0, dash);
  const hex = label.slice(dash + 1);
  if ((dash !== -1 && algorithm === 'sha256') || !isAlgorithm(algorithm) || !isDigest(algorithm, hex)) return undefined;
  return [algorithm, hex];
}

/** True for what may stand in a path as a file's digest. */
export function isDigestLabel(label: string): boolean {
  return label === FIRST_SIGHT || parseDigestLabel(label) !== undefined;
}

/** The file of `files/PROJECT/DIGEST/FILE`: any of its known digests names it. */
export function fileByDigest(listing: Listing, label: string, filename: string): OwnFile | undefined {
  const file = listing.files.get(filename);
  return file !== undefined && isLabelOf(label, file.entry.digests) ? file : undefined;
}

/** Whether a label may stand for a file of these digests. */
export function isLabelOf(label: string, digests: Digests): boolean {
  // For ever, also when upstream has come to state a digest: locks have that address.
  if (label === FIRST_SIGHT) return true;
  const digest = parseDigestLabel(label);
  return digest !== undefined && digests.get(digest[0]) === digest[1];
}
