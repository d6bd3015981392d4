import { type Digests, type Expected, isDigest } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { projectCandidates } from '../pypi/names.ts';
import { fileByDigest, type OwnFile } from '../pypi/relink.ts';
import { type CoreMetadata, METADATA } from './core-metadata.ts';
import type { FetchProved } from './fetch.ts';
import type { HeldPage } from './held.ts';
import { LIMITS } from './limits.ts';
import type { FileAnswer } from './mirror.ts';
import type { Pages } from './pages.ts';
import type { Blobs, IndexLayout, Upstream } from './ports.ts';
import type { Roles, Search } from './roles.ts';

interface FilesOptions {
  readonly layout: IndexLayout;
  readonly pages: Pages;
  readonly roles: Roles;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly fetchProved: FetchProved;
  readonly coreMetadata: CoreMetadata;
}

export interface Files {
  /** `aa/bb/rest/FILE`, with or without `.metadata`; no page needs to have been asked for before. */
  byContentPath(path: string): Promise<FileAnswer>;
  byDigest(project: string, label: string, filename: string): Promise<FileAnswer>;
}

export function createFiles({ layout, pages, roles, blobs, upstream, fetchProved, coreMetadata }: FilesOptions): Files {
  /** What the file's own target entry says, where the layout can name it and the metadata has one (DESIGN §2). */
  const signedEntry = async (project: string, { entry, content }: OwnFile): Promise<Signed | undefined> => {
    const path = layout.fileTarget({ project, filename: entry.filename, content });
    if (path === undefined) return undefined;
    const search = await roles.find(path);
    return search.target === undefined ? undefined : { path, search, expected: search.target };
  };

  const answer = async (held: HeldPage, file: OwnFile, metadata: boolean): Promise<FileAnswer> =>
    metadata ? coreMetadata.answer(file, async () => (await wholeFile(held, file)).open()) : wholeFile(held, file);

  const wholeFile = async ({ listing }: HeldPage, file: OwnFile): Promise<FileAnswer> => {
    const { entry } = file;
    const signed = await signedEntry(listing.name, file);
    const expected = both(entry.filename, { length: entry.size, digests: entry.digests }, signed?.expected);
    const urls = urlsOf(file, signed);
    return {
      filename: entry.filename,
      size: expected.length,
      held: blobs.holds(expected),
      open: async () => {
        const blob = await fetchProved({
          name: entry.filename,
          subject: 'file',
          expected,
          limit: LIMITS.file,
          urls,
        });
        await coreMetadata.compare(file, blob);
        return blob;
      },
    };
  };

  const urlsOf = (file: OwnFile, signed: Signed | undefined): readonly string[] => {
    const consistent = signed?.search.generation.root.signed.consistentSnapshot ?? false;
    const own = signed === undefined ? [] : layout.urls(signed.path, signed.expected.digests, consistent);
    const urls = [...new Set([...own, ...[file.upstream].filter(upstream.mayFetch)])];
    if (urls.length === 0) throw foreignHost(file);
    return urls;
  };

  /** Withheld files are refused by name, so that a lock file's user learns why. */
  const refuseWithheld = (held: HeldPage, filename: string) => {
    const refusal = held.withheld.get(filename);
    if (refusal !== undefined) throw refusal;
  };

  return {
    async byContentPath(path) {
      const segments = path.split('/');
      const last = segments.at(-1) ?? '';
      const metadata = last.endsWith(METADATA);
      const filename = metadata ? last.slice(0, -METADATA.length) : last;
      const [aa = '', bb = '', rest = ''] = segments;
      if (segments.length !== 4 || !isDigest('blake2b-256', aa + bb + rest)) throw unlisted(filename);
      const ownPath = [aa, bb, rest, filename].join('/');
      for (const project of projectCandidates(filename)) {
        const held = await pages.held(project).catch(absent);
        if (held === undefined) continue;
        refuseWithheld(held, filename);
        const file = held.listing.byContentPath.get(ownPath);
        if (file !== undefined) return answer(held, file, metadata);
      }
      throw unlisted(filename);
    },
    async byDigest(project, label, name) {
      const metadata = name.endsWith(METADATA);
      const filename = metadata ? name.slice(0, -METADATA.length) : name;
      const held = await pages.held(project);
      refuseWithheld(held, filename);
      const file = fileByDigest(held.listing, label, filename);
      if (file === undefined) throw unlisted(filename);
      return answer(held, file, metadata);
    },
  };
}

interface Signed {
  readonly path: string;
  readonly search: Search;
  readonly expected: Expected;
}

/** Page and target entry together: every digest of either must hold, and they may not contradict each other. */
function both(filename: string, listed: Expected, signed: Expected | undefined): Expected {
  if (signed === undefined) return listed;
  const contradiction = [...signed.digests].some(([algorithm, hex]) => (listed.digests.get(algorithm) ?? hex) !== hex);
  if (contradiction || (listed.length ?? signed.length) !== signed.length)
    throw new Refusal('mix-and-match', `The project page and the file's own signed entry disagree about ${filename}.`, {
      subject: 'file',
    });
  const digests: Digests = new Map([...listed.digests, ...signed.digests]);
  return { length: signed.length, digests };
}

/** Faults C 88: a page cannot send this mirror wherever it likes. */
function foreignHost({ entry, upstream }: OwnFile): Refusal {
  const { host } = new URL(upstream);
  return new Refusal(
    'foreign',
    `${entry.filename} lies on ${host}, where this mirror may not go. If the index really keeps files there, add --file-host ${host}.`,
    { subject: 'file' },
  );
}

function unlisted(filename: string): Refusal {
  return new Refusal('unlisted', `No proved project page lists ${filename} at this address.`, { subject: 'file' });
}

/** A project that provably does not exist is one candidate less; anything else is an answer. */
function absent(error: unknown): undefined {
  if (error instanceof Refusal && error.reason === 'unlisted') return undefined;
  throw error;
}
