import { isDigest } from '../../bytes/digest.ts';
import { makeExpected } from '../../bytes/expected.ts';
import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Blobs } from '../../ports/blobs.ts';
import type { Events } from '../../ports/events.ts';
import type { Upstream } from '../../ports/upstream.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import { isNormalized, projectCandidates } from '../../pypi/names.ts';
import { fileByDigest } from '../../pypi/relink.ts';
import { LIMITS } from '../limits.ts';
import type { HeldPage } from '../tuf/proof.ts';
import { bothListed, type Vouched, type VouchedFor } from '../tuf/vouched.ts';
import { type CoreMetadata, METADATA } from './core-metadata.ts';
import type { FetchProved } from './fetch.ts';
import { type FileAnswer, makeFileAnswer } from './file-answer.ts';
import { absent } from './unlisted.ts';

interface FilesOptions<P extends HeldPage> {
  readonly index: string;
  readonly events: Events;
  readonly pages: { held(project: string): Promise<P> };
  /** What vouches for a file besides its project page. */
  readonly vouched: VouchedFor<P>;
  readonly blobs: Blobs;
  readonly upstream: Upstream;
  readonly fetchProved: FetchProved;
  readonly coreMetadata: CoreMetadata;
  /** Told of each file whose bytes were proved. */
  readonly onProved?: ((held: P, file: OwnFile) => void) | undefined;
  /** Told of each file that upstream had, but not as its page says. */
  readonly onMismatch?: ((held: P) => void) | undefined;
}

const MISMATCH: ReadonlySet<Reason> = new Set(['digest', 'length', 'limit']);

export interface Files {
  /** `aa/bb/rest/FILE`, with or without `.metadata`; no page needs to have been asked for before. */
  byContentPath(path: string): Promise<FileAnswer>;
  byDigest(project: string, label: string, filename: string): Promise<FileAnswer>;
}

export function createFiles<P extends HeldPage>({
  index,
  events,
  pages,
  vouched,
  blobs,
  upstream,
  fetchProved,
  coreMetadata,
  onProved,
  onMismatch,
}: FilesOptions<P>): Files {
  const answer = async (held: P, file: OwnFile, metadata: boolean): Promise<FileAnswer> => {
    try {
      if (!metadata) return await wholeFile(held, file);
      const signed = await vouched(held, file.entry.filename + METADATA, file);
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

  const wholeFile = async (held: P, file: OwnFile): Promise<FileAnswer> => {
    const { entry } = file;
    const signed = await vouched(held, entry.filename, file);
    const listed = makeExpected({ length: entry.size, digests: entry.digests });
    const expected = bothListed(entry.filename, 'file', listed, signed?.expected);
    const urls = urlsOf(file, signed);
    return makeFileAnswer({
      filename: entry.filename,
      project: held.listing.name,
      size: expected.length,
      sha256: expected.digests.get('sha256'),
      held: await blobs.stored(expected),
      open: async () => {
        const blob = await fetchProved({
          name: entry.filename,
          subject: 'file',
          expected,
          limit: LIMITS.file,
          urls,
        }).catch((error: unknown) => {
          if (error instanceof Refusal && MISMATCH.has(error.reason)) onMismatch?.(held);
          throw error;
        });
        await coreMetadata.compare(file, blob);
        onProved?.(held, file);
        return blob;
      },
    });
  };

  const urlsOf = (file: OwnFile, signed: Vouched | undefined): readonly string[] => {
    const urls = [...new Set([...(signed?.urls ?? []), ...[file.upstream].filter(upstream.mayFetch)])];
    if (urls.length === 0) throw foreignHost(file);
    return urls;
  };

  /** Withheld files are refused by name, so that a lock file's user learns why. */
  const refuseWithheld = (held: HeldPage, filename: string) => {
    if (held.listing.projectStatus?.status === 'quarantined') throw quarantined(held.listing, filename);
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
        // A project that does not exist is one candidate less; anything else is an answer.
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
      // Our own links spell it so; anything else would be asked of upstream as it stands, `?` and `%2e%2e` too.
      if (!isNormalized(project)) throw unlisted(filename);
      const held = await pages.held(project);
      refuseWithheld(held, filename);
      const file = fileByDigest(held.listing, label, filename);
      if (file === undefined) throw unlisted(filename);
      return answer(held, file, metadata);
    },
  };
}

/** PEP 792: nothing of a quarantined project is to be installed, by lock file neither. */
function quarantined({ name, projectStatus }: Listing, filename: string): Refusal {
  const why = projectStatus?.reason === undefined ? '' : ` (${projectStatus.reason})`;
  return new Refusal('policy', `The index has quarantined ${name}${why}, so ${filename} is not served.`, {
    subject: 'file',
  });
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
