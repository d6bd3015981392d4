import { FeedReader } from '../advisories/feed.ts';
import { existing } from '../bytes/existing.ts';
import { differenceOf, type Seen, undigestedOf } from '../ports/page-work.ts';
import { condense } from '../pypi/condense.ts';
import { startupFiles } from '../pypi/contents/startup.ts';
import { decodeList, decodePage, decodeSerials } from '../pypi/decode.ts';
import { Inspection } from '../pypi/inspect/inspect.ts';
import { readDirectory } from '../pypi/inspect/zip-directory.ts';
import { emptied, type Listing, type OwnFile, without, withTimes } from '../pypi/listing.ts';
import type { ProjectPage } from '../pypi/project-page.ts';
import { relink } from '../pypi/relink.ts';
import { type Bodies, bodiesHere, leanBodies } from '../render/bodies.ts';
import { legacyJson } from '../render/legacy-json.ts';
import { drawList, drawPage } from '../render/render.ts';
import { bcryptHolds } from './bcrypt.ts';
import { SLICE } from './limits.ts';
import { packSerials } from './packed-serials.ts';
import type { Asked, Calls, Kind } from './protocol.ts';
import { createProvenanceDesk } from './provenance-desk.ts';

/** An answer, and what of it changes hands instead of being copied. */
interface Given {
  readonly answer: Calls[Kind]['answer'];
  readonly transfer: readonly ArrayBuffer[];
}

/** A call without its number. */
type Ask = Asked extends infer A ? (A extends Asked ? Omit<A, 'call'> : never) : never;

interface Document {
  readonly page: ProjectPage;
  readonly listing?: Listing;
  readonly files?: readonly OwnFile[];
}

/** Does what a thread is asked to, and remembers the documents that are open. */
export function createDesk(): (asked: Ask) => Given | Promise<Given> {
  const documents = new Map<number, Document>();
  // A page is compared first and drawn next: it is decoded once.
  let last: { readonly project: string; readonly bytes: Uint8Array; readonly page: ProjectPage } | undefined;

  const decode = (project: string, bytes: Uint8Array): ProjectPage => {
    if (last?.project === project && Buffer.compare(last.bytes, bytes) === 0) return last.page;
    const page = decodePage(bytes, project);
    last = { project, bytes, page };
    return page;
  };
  const opened = (document: number): Document => {
    const found = documents.get(document);
    if (found === undefined) throw new Error(`document ${document} is not open`);
    return found;
  };

  const [files, feeds, judge] = [createFileDesk(), createFeedDesk(), createProvenanceDesk()];

  return ({ kind, ask }) => {
    switch (kind) {
      case 'open': {
        const page = decode(ask.project, ask.bytes);
        documents.set(ask.document, { page });
        return copied(undigestedOf(page));
      }
      case 'relink': {
        const { page } = opened(ask.document);
        const listing = relink(page, ask);
        documents.set(ask.document, { page, listing, files: [...listing.files.values()] });
        const { files: _, byContentPath: __, ...head } = listing;
        return copied(head);
      }
      case 'files':
        return copied(opened(ask.document).files?.slice(ask.from, ask.from + SLICE) ?? []);
      case 'draw':
        return drawn(opened(ask.document), ask);
      case 'close':
        documents.delete(ask.document);
        files.close(ask.document);
        feeds.close(ask.document);
        return copied(undefined);
      case 'inspect':
        return files.begin(ask);
      case 'feed':
        return files.feed(ask);
      case 'inspected':
        return files.end(ask);
      case 'startupFiles':
        return startedBy(ask.directory);
      case 'openFeed':
        return feeds.open(ask);
      case 'nextOfFeed':
        return feeds.next(ask);
      case 'endOfFeed':
        return feeds.end(ask);
      case 'list':
        return moved(leanBodies(bodiesHere(drawList(decodeList(ask.bytes)))));
      case 'serials':
        return serialsIn(ask);
      case 'legacy':
        return legacy(decode(ask.project, ask.bytes), ask);
      case 'bcrypt':
        return bcryptHolds(ask.password, ask.encoded).then(copied);
      case 'provenance':
        return judge(ask).then(copied);
      case 'compare': {
        const sight = ({ bytes, serial }: Seen) => ({ page: decode(ask.project, bytes), serial });
        return copied(differenceOf(ask.before && sight(ask.before), sight(ask.after)));
      }
      case 'condense':
        return copied(condense(decode(ask.project, ask.bytes)));
    }
  };
}

function serialsIn({ bytes }: Calls['serials']['ask']): Given {
  const answer = packSerials(decodeSerials(bytes));
  return { answer, transfer: [answer.names.buffer, answer.starts.buffer, answer.serials.buffer] };
}

function legacy(
  page: ProjectPage,
  { pageUrl, undigested, withheld, upstream, version, base }: Calls['legacy']['ask'],
): Given {
  const listing = without(relink(page, { pageUrl, undigested }), { withheld, silenced: new Set() });
  return copied(legacyJson(upstream, listing, version, base));
}

function drawn({ listing }: Document, ask: Calls['draw']['ask']): Given {
  if (listing === undefined) throw new Error('a page is relinked before it is drawn');
  return moved(bodiesHere(drawPage(ask.hidden ? emptied(listing) : withTimes(without(listing, ask), ask.times))));
}

function startedBy({ bytes, start }: Calls['startupFiles']['ask']['directory']): Given {
  const members = readDirectory(bytes, start);
  const names = members.flatMap(({ name, unicodeName }) => (unicodeName === undefined ? [name] : [name, unicodeName]));
  return copied(startupFiles(names));
}

function copied(answer: Given['answer']): Given {
  return { answer, transfer: [] };
}

/** Files under inspection, by the number of their document. */
function createFileDesk() {
  const inspections = new Map<number, Inspection>();
  const begun = (document: number): Inspection => {
    const found = inspections.get(document);
    if (found === undefined) throw new Error(`file ${document} is not being inspected`);
    return found;
  };
  return {
    begin({ document, file }: Calls['inspect']['ask']): Given {
      inspections.set(document, new Inspection(file));
      return copied(undefined);
    },
    async feed({ document, bytes }: Calls['feed']['ask']): Promise<Given> {
      await begun(document).feed(bytes);
      return copied(undefined);
    },
    async end({ document }: Calls['inspected']['ask']): Promise<Given> {
      await begun(document).end();
      return copied(undefined);
    },
    close: (document: number) => void inspections.delete(document),
  };
}

/** Feeds of advisories that are being read, by the number of their document. */
function createFeedDesk() {
  const readers = new Map<number, FeedReader>();
  const opened = (document: number) => existing(readers.get(document), `feed ${document} is not being read`);
  return {
    open({ document, bytes, now }: Calls['openFeed']['ask']): Given {
      readers.set(document, new FeedReader(bytes, now));
      return copied(undefined);
    },
    next: ({ document }: Calls['nextOfFeed']['ask']): Given => copied(opened(document).next()),
    end({ document }: Calls['endOfFeed']['ask']): Given {
      const answer = opened(document).end();
      return { answer, transfer: [answer.packed.bytes.buffer] };
    },
    close: (document: number) => void readers.delete(document),
  };
}

function moved(bodies: Bodies): Given {
  const buffers = [bodies.json, bodies.html].flatMap(({ identity, gzip, zstd }) => [identity, gzip, zstd]);
  return { answer: bodies, transfer: buffers.map((one) => one?.buffer).filter((one) => one instanceof ArrayBuffer) };
}
