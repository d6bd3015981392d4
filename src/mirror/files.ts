import { isDigest } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { projectCandidates } from '../pypi/names.ts';
import { fileByDigest, type OwnFile } from '../pypi/relink.ts';
import { type CoreMetadata, METADATA } from './core-metadata.ts';
import type { FetchProved } from './fetch.ts';
import type { HeldPage } from './held.ts';
import { LIMITS } from './limits.ts';
import type { FileAnswer } from './mirror.ts';
import type { Pages } from './pages.ts';
import type { Blobs, Events, IndexLayout, Upstream } from './ports.ts';
import type { Roles } from './roles.ts';
import { bothListed, type SignedEntry } from './signed-entry.ts';

interface FilesOptions {
  readonly index: string;
  readonly events: Events;
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

export function createFiles({
  index,
  events,
  layout,
  pages,
  roles,
  blobs,
  upstream,
  fetchProved,
  coreMetadata,
}: FilesOptions): Files {
  /** What the file's own target entry says, where the layout can name it and the metadata has one (DESIGN §2). */
  const signedEntry = async (
    { listing, proof }: HeldPage,
    filename: string,
    { content }: OwnFile,
  ): Promise<SignedEntry | undefined> => {
    const path = layout.fileTarget({ project: listing.name, filename, content });
    if (path === undefined) return undefined;
    const { target, generation } = await roles.find(path, proof.generation);
    if (target === undefined) return undefined;
    return { expected: target, urls: layout.urls(path, target.digests, generation.root.signed.consistentSnapshot) };
  };

  const answer = async (held: HeldPage, file: OwnFile, metadata: boolean): Promise<FileAnswer> => {
    try {
      if (!metadata) return await wholeFile(held, file);
      const signed = await signedEntry(held, file.entry.filename + METADATA, file);
      return coreMetadata.answer(file, signed, async () => (await wholeFile(held, file)).open());
    } catch (error) {
      if (error instanceof Refusal && error.reason !== 'unlisted')
        events.rejected({
          index,
          reason: error.reason,
          subject: error.subject ?? 'file',
          name: file.entry.filename,
          message: error.message,
          at: 'upstream',
        });
      throw error;
    }
  };

  const wholeFile = async (held: HeldPage, file: OwnFile): Promise<FileAnswer> => {
    const { entry } = file;
    const signed = await signedEntry(held, entry.filename, file);
    const listed = { length: entry.size, digests: entry.digests };
    const expected = bothListed(entry.filename, 'file', listed, signed?.expected);
    const urls = urlsOf(file, signed);
    return {
      filename: entry.filename,
      size: expected.length,
      sha256: expected.digests.get('sha256'),
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

  const urlsOf = (file: OwnFile, signed: SignedEntry | undefined): readonly string[] => {
    const urls = [...new Set([...(signed?.urls ?? []), ...[file.upstream].filter(upstream.mayFetch)])];
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
