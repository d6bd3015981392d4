import { type Digests, isDigest } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { isNormalized, normalizeName, projectCandidates } from '../../pypi/names.ts';
import { fileByDigest, isDigestLabel, isLabelOf } from '../../pypi/relink.ts';

/** Where a client asks for a file, decoded. */
export type FileAddress =
  /** Below `packages/`: `aa/bb/rest/FILE`, or `source/n/NAME/FILE` as packagers of distributions write it. `of`: the one project whose page is asked. */
  | { readonly path: string; readonly of?: string | undefined }
  /** `files/PROJECT/DIGEST/FILE`. */
  | { readonly project: string; readonly digest: string; readonly filename: string };

/** What an address asks for. */
export interface Addressed {
  /** Without `.metadata`. */
  readonly filename: string;
  /** True where the core metadata of the file is asked for. */
  readonly metadata: boolean;
  /** Projects whose page may list it, best first. */
  readonly projects: readonly string[];
  /** The file as a page lists it at this very address. */
  find(listing: Listing): OwnFile | undefined;
  /** What the file must be where these are its digests; undefined where this is no address of it. */
  digestsOf(known: Digests): Digests | undefined;
}

export const METADATA = '.metadata';

/** Throws `unlisted` for what can be the address of no file. No page needs to have been asked for before. */
export function readAddress(address: FileAddress): Addressed {
  return 'path' in address ? byContentPath(address.path, address.of) : byDigest(address);
}

/** Projects whose page may list what lies at this address, best first. Throws as `readAddress` does. */
export function projectsAt(address: FileAddress): readonly string[] {
  return readAddress(address).projects;
}

function byContentPath(path: string, of: string | undefined): Addressed {
  const segments = path.split('/');
  const { filename, metadata } = withoutMetadata(segments.at(-1) ?? '');
  const [aa = '', bb = '', rest = ''] = segments;
  const named = byName(segments, filename);
  if (named !== undefined) return { filename, metadata, ...named };
  if (segments.length !== 4 || !isDigest('blake2b-256', aa + bb + rest)) throw unlisted(filename);
  const own = [aa, bb, rest, filename].join('/');
  const claimed = aa + bb + rest;
  return {
    filename,
    metadata,
    projects: of === undefined ? projectCandidates(filename) : [of],
    find: ({ byContentPath: files }) => files.get(own),
    digestsOf: (known) =>
      (known.get('blake2b-256') ?? claimed) === claimed ? new Map([...known, ['blake2b-256', claimed]]) : undefined,
  };
}

/**
 * `source/n/NAME/FILE` and `PYTHON/n/NAME/FILE`: where PyPI kept files until 2016, and answers to this day. Nix, Spack, EasyBuild,
 * Yocto and Gentoo name sources so. The page says which file that is.
 */
function byName([tag = '', letter, name = '', ...rest]: readonly string[], filename: string) {
  const project = normalizeName(name);
  if (
    project === undefined ||
    letter?.toLowerCase() !== name[0]?.toLowerCase() ||
    rest.length !== 1 ||
    !PYTHON.test(tag)
  )
    return undefined;
  return {
    projects: [project],
    find: ({ files }: Listing) => files.get(filename),
    digestsOf: (known: Digests) => known,
  };
}

/** `source`, `py3`, `py2.py3`, `cp39`, `3.4`, `any`. */
const PYTHON = /^[a-z0-9]+(?:\.[a-z0-9]+)*$/;

function byDigest({ project, digest, filename: name }: Extract<FileAddress, { readonly project: string }>): Addressed {
  const { filename, metadata } = withoutMetadata(name);
  if (!isNormalized(project) || !isDigestLabel(digest)) throw unlisted(filename);
  return {
    filename,
    metadata,
    projects: [project],
    find: (listing) => fileByDigest(listing, digest, filename),
    digestsOf: (known) => (isLabelOf(digest, known) ? known : undefined),
  };
}

function withoutMetadata(name: string): { readonly filename: string; readonly metadata: boolean } {
  const metadata = name.endsWith(METADATA);
  return { filename: metadata ? name.slice(0, -METADATA.length) : name, metadata };
}

export function unlisted(filename: string): Refusal {
  return new Refusal('unlisted', `No proved project page lists ${filename} at this address.`, { subject: 'file' });
}
