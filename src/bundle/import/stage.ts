import { Refusal } from '../../bytes/refusal.ts';
import { type BundleBytes, readMember } from '../format/archive.ts';
import type { Member } from '../format/members.ts';
import type { Entry } from '../format/model.ts';
import { Line } from './line.ts';
import { pieceAt, type ReadBundle } from './opened.ts';
import type { ContentStore } from './store.ts';

/** Members that are taken at once. */
const AT_ONCE = 8;
/** A document of more bytes is unpacked alone: it is whole in memory. */
const ALONE_FROM = 4 * 1024 * 1024;

/** What was taken. */
export interface Staged {
  /** Contents that were not here. */
  readonly files: number;
  readonly bytes: number;
  /** That were. */
  readonly there: number;
}

/** Contents, and bytes of them as they unpack. */
interface Amount {
  readonly contents: number;
  readonly bytes: number;
}
/** How far it has come, of all that the bundle carries. */
export type OnProgress = (done: Amount & { readonly of: Amount }) => void;

/**
 * Takes every member into the store, each by its size and digest. Throws Refusal `digest`, `length`, `format`, `encoding` or `truncated` with the piece that is to be
 * carried again, and `limit` where there is no room: then nothing is believed of what was taken.
 */
export async function stage(
  bundle: ReadBundle,
  body: BundleBytes,
  store: ContentStore,
  onProgress: OnProgress = () => undefined,
): Promise<Staged> {
  const { members, content } = bundle.header.totals;
  const of = { contents: members, bytes: content };
  const done = { contents: 0, bytes: 0, files: 0, taken: 0, there: 0 };
  const line = new Line(AT_ONCE);
  const take = async (entry: Entry, member: Member): Promise<void> => {
    const result = await takeMember(bundle, body, store, { entry, member });
    done.contents++;
    done.bytes += entry.size;
    if (result === 'stored') {
      done.files++;
      done.taken += entry.size;
    } else done.there++;
    onProgress({ contents: done.contents, bytes: done.bytes, of });
  };
  for await (const given of bundle.lines()) {
    if (given.line !== 'entry' || given.member === undefined) continue;
    const { entry, member } = given;
    if (entry.coding !== undefined && entry.size > ALONE_FROM) await line.empty();
    await line.run(() => take(entry, member));
    if (entry.coding !== undefined && entry.size > ALONE_FROM) await line.empty();
  }
  await line.empty();
  return { files: done.files, bytes: done.taken, there: done.there };
}

/** Reads every member as it would be taken, and stores nothing. */
export async function readThrough(bundle: ReadBundle, body: BundleBytes): Promise<void> {
  for await (const given of bundle.lines()) {
    if (given.line !== 'entry' || given.member === undefined) continue;
    const { entry, member } = given;
    await atPiece(bundle, member, () => check(body, entry, member));
  }
}

function takeMember(
  bundle: ReadBundle,
  body: BundleBytes,
  store: ContentStore,
  { entry, member }: { readonly entry: Entry; readonly member: Member },
): Promise<'stored' | 'there'> {
  return atPiece(bundle, member, async () => {
    // Whoever stores it hashes it.
    const result = await store.stage(entry, () => readMember(body, entry, member, false));
    // Damage is told of also where it does none.
    if (result === 'there') await check(body, entry, member);
    return result;
  });
}

async function check(body: BundleBytes, entry: Entry, member: Member): Promise<void> {
  for await (const _ of readMember(body, entry, member));
}

const DAMAGE: ReadonlySet<Refusal['reason']> = new Set(['digest', 'length', 'format', 'encoding', 'truncated']);

/** Damage is named by the piece that it lies in. */
async function atPiece<T>({ pieces }: ReadBundle, { position }: Member, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal) || !DAMAGE.has(error.reason) || pieces.length < 2) throw error;
    throw new Refusal(
      error.reason,
      `${error.message} It lies in piece ${pieceAt(pieces, position)}: carry that again.`,
      {
        subject: 'request',
        cause: error,
      },
    );
  }
}
