import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { Mutex } from '../../async/mutex.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { readSmall } from '../../disk/read-file.ts';
import { onStateDisk } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import { walkTwo } from '../../disk/walk.ts';
import type { PageRecord, PageStore } from '../../ports/index-state.ts';
import { indexDirectory } from './index-directory.ts';
import { PAGE_FILE_BYTES, PAGES_REMEMBERED } from './limits.ts';
import { unreadable } from './numbered.ts';
import { decodePageFile, encodePageFile, headerOf, type PageFile, type PageHeader, recordOf } from './page-file.ts';
import { projectPath } from './project-path.ts';
import { checkSeal, lostState } from './seal.ts';
import { type Checked, checked } from './state-check.ts';

/** Pages with what an operator's command needs besides. */
export interface PageFiles extends PageStore {
  /** Removes it as well, and puts the floor at this serial, or takes it away. */
  removeTo(project: string, serial: number | undefined): Promise<void>;
  /** Every page that is kept, in no order. */
  all(): AsyncIterable<PageRecord>;
  /** Reads every file of them, to the last byte. */
  check(): AsyncIterable<Checked>;
}

/** What is known of a file without reading it: a digest of what it says, times aside, and which file it was. */
interface Known {
  readonly number: number;
  readonly said: string;
  readonly confirmedAt: number;
  readonly stamp: string;
}

/** A page that was only confirmed again is written this often. Seconds. */
const CONFIRMED_EVERY = 3600;

/**
 * The pages of an index that signs nothing, one file a project (header and exact bytes), replaced whole. A page that is
 * damaged is refused and not taken for one never seen: its serial and its second sight would be forgotten with it.
 */
export function createPageStore(volume: Volume, index: string): PageFiles {
  const { durable, ops } = volume;
  const directory = join(indexDirectory(volume, index), 'pages');
  const memory = new LRUCache<string, Known>({ max: PAGES_REMEMBERED });
  const mutex = new Mutex();
  const census = volume.census(index);
  const guardOf = (path: string) => census?.guard(`pages/${path}`);
  const whatOf = (project: string) => `the last page of ${project} that was believed`;

  const stampOf = async (path: string): Promise<string> => {
    const facts = await ops.facts(join(directory, path));
    // Another process may replace it by one as long, and within the same tick of the clock.
    return facts === undefined ? '' : `${facts.inode} ${facts.size} ${facts.changedMs}`;
  };

  const open = async (path: string, what: string): Promise<PageFile | undefined> => {
    const full = join(directory, path);
    const bytes = await readSmall(ops, full, PAGE_FILE_BYTES).catch((error: unknown) => {
      throw unreadable(full, what, error);
    });
    if (bytes === undefined) return undefined;
    const file = decodePageFile(bytes);
    if (file === undefined || projectPath(file.header.project) !== path) throw unreadable(full, what);
    checkSeal(guardOf(path), { path: full, what, number: file.header.number }, file.parts, file.seal);
    return file;
  };

  /** The file at a path below the directory; undefined where there never was one. */
  const readAt = async (path: string, what: string): Promise<PageFile | undefined> => {
    const guard = guardOf(path);
    const least = await guard?.atLeast();
    const found = await open(path, what);
    if (guard === undefined || least === undefined || (found?.header.number ?? 0) >= least) return found;
    if ((found?.header.number ?? 0) < (await guard.atLeast('again'))) throw lostState(join(directory, path), what);
    return open(path, what);
  };

  const read = async (project: string): Promise<PageFile | undefined> => {
    const path = projectPath(project);
    const stamp = await stampOf(path);
    const file = await readAt(path, whatOf(project));
    // Under a seal the census has said already that none is missing.
    if (file === undefined && (memory.get(project)?.number ?? 0) > 0 && census === undefined)
      throw unreadable(join(directory, path), whatOf(project));
    if (file === undefined) memory.delete(project);
    else memory.set(project, { ...knownOf(file.header, file.body), stamp });
    return file;
  };

  const write = async (project: string, header: PageHeader, body: Uint8Array, moved: boolean): Promise<void> => {
    const path = projectPath(project);
    const guard = guardOf(path);
    await durable.replace(
      join(directory, path),
      encodePageFile(header, body, (parts) => guard?.seal(header.number, parts)),
    );
    memory.set(project, { ...knownOf(header, body), stamp: await stampOf(path) });
    if (guard === undefined) return;
    if (moved) await guard.moved(header.number);
    // A rename has no memory: a slower process may have put a lower number over a higher one, which then counts as lost.
    // Whoever wrote last finds that the record is ahead, and goes beyond it.
    const least = await guard.atLeast('again');
    if (((await open(path, whatOf(project)))?.header.number ?? 0) < least)
      await write(project, { ...header, number: least + 1 }, body, true);
  };

  /** What is on disk now, by memory where the file is still the one that memory speaks of. */
  const present = async (project: string): Promise<Known | undefined> => {
    const known = memory.get(project);
    if (known !== undefined && known.stamp === (await stampOf(projectPath(project)))) return known;
    await read(project);
    return memory.get(project);
  };

  /** Leaves of a page nothing but a floor. */
  const bury = ({ project, number, fetchedAt, confirmedAt, fetch }: PageHeader, serial: number | undefined) => {
    const gone = { project, gone: true, contentType: '', serial, fetchedAt, confirmedAt, twice: false, fetch } as const;
    return write(project, headerOf(gone, number + 1), new Uint8Array(), true);
  };

  return {
    load: onStateDisk(async (project: string) => {
      const file = await read(project);
      return file === undefined || file.header.gone === true ? undefined : recordOf(file.header, file.body);
    }),
    unchanged: onStateDisk(
      async (project: string) => (memory.get(project)?.stamp ?? '') === (await stampOf(projectPath(project))),
    ),
    save: onStateDisk((record: PageRecord) =>
      mutex.run(record.project, async () => {
        const { project, bytes, confirmedAt } = record;
        const known = await present(project);
        const number = known?.number ?? 0;
        const same = known?.said === knownOf(headerOf(record, number), bytes).said;
        if (same && Math.abs(confirmedAt - known.confirmedAt) < CONFIRMED_EVERY) return;
        await write(project, headerOf(record, same ? number : number + 1), bytes, !same);
      }),
    ),
    remove: onStateDisk((project: string) =>
      mutex.run(project, async () => {
        const header = (await read(project))?.header;
        if (header !== undefined && header.gone !== true) await bury(header, header.serial);
      }),
    ),
    removeTo: onStateDisk((project: string, serial: number | undefined) =>
      mutex.run(project, async () => {
        const header = (await read(project))?.header;
        if (header !== undefined) await bury(header, serial);
      }),
    ),
    gone: onStateDisk(async (project: string) => {
      const header = (await read(project))?.header;
      return header?.gone === true ? { serial: header.serial } : undefined;
    }),
    async *check() {
      for await (const path of walkTwo(ops, directory))
        yield await checked(`pages/${path}`, readAt(path, 'a page that was believed'));
    },
    async *all() {
      for await (const path of walkTwo(ops, directory)) {
        const file = await readAt(path, 'a page that was believed');
        if (file !== undefined && file.header.gone !== true) yield recordOf(file.header, file.body);
      }
    },
  };
}

function knownOf(
  { number, fetchedAt: _, maxAge: __, confirmedAt, ...said }: PageHeader,
  body: Uint8Array,
): Omit<Known, 'stamp'> {
  return { number, confirmedAt, said: sha256Hex(Buffer.from(`${JSON.stringify(said)} ${sha256Hex(body)}`)) };
}
