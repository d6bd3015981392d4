import { LRUCache } from 'lru-cache';
import { sha256Hex } from '../bytes/digest.ts';
import {
  type IndexState,
  type PageContent,
  type PageRecord,
  type PageState,
  type PageStore,
  type PreparableItem,
  Superseded,
  type UnsavedPage,
} from '../ports/index-state.ts';
import type { NewVersion } from '../ports/state-storage.ts';
import { CONFIRMED_EVERY_S, PAGES_REMEMBERED } from './limits.ts';

/** What is stored of a page, known without reading it: a digest of what it says, times aside. */
interface Written {
  readonly version: number;
  readonly said: string;
  readonly confirmedAt: number;
}

/**
 * The pages of an index that signs nothing, one item a project. A page that is damaged is refused and not taken for one never
 * seen: its serial and its second sight would be forgotten with it.
 */
export function createPageStore(state: Pick<IndexState, 'page'>): PageStore {
  const written = new LRUCache<string, Written>({ max: PAGES_REMEMBERED });

  const remember = (record: PageRecord, said: string): PageRecord => {
    written.set(record.project, { version: record.version, said, confirmedAt: record.confirmedAt });
    return record;
  };

  /** The record as it is stored where it only was confirmed again, not long after it was written. */
  const unchanged = async (record: PageRecord, said: string): Promise<boolean> => {
    const last = written.get(record.project);
    if (last?.version !== record.version || last.said !== said) return false;
    if (Math.abs(record.confirmedAt - last.confirmedAt) >= CONFIRMED_EVERY_S) return false;
    return (await state.page(record.project).version()) === record.version;
  };

  /** True where `next` followed exactly the version named. */
  const follow = async (project: string, version: number, next: PageState): Promise<number | undefined> => {
    const known = await state.page(project).change((was) => ((was?.version ?? 0) === version ? next : undefined));
    return known?.version;
  };

  return {
    async load(project) {
      const known = await state.page(project).read();
      const page = known?.value.page;
      if (page === undefined || page.letGo !== undefined) return undefined;
      return remember({ ...page, version: known?.version ?? 0 }, saidBy(page));
    },
    async left(project) {
      const known = await state.page(project).read();
      const page = known?.value.page;
      return page?.letGo && { ...page, version: known?.version ?? 0 };
    },
    isCurrent: async ({ project, version }) => (await state.page(project).version()) === version,
    async save(record) {
      const said = saidBy(record);
      if (await unchanged(record, said)) return record;
      const version = await follow(record.project, record.version, { page: record });
      return version === undefined ? undefined : remember({ ...record, version }, said);
    },
    async prepare(record, saved) {
      const { project, version } = record;
      const item = state.page(project);
      const prepared = await item.prepare((was) => ((was?.version ?? 0) === version ? { page: record } : undefined));
      if (prepared === undefined) return undefined;
      const next = { ...record, version: prepared.known.version };
      const unsaved = new PreparedPage(project, item, prepared.write, () => {
        remember(next, saidBy(record));
        saved();
      });
      return { record: next, unsaved };
    },
    async remove({ project, version, serial }) {
      written.delete(project);
      return (await follow(project, version, { gone: { serial } })) !== undefined;
    },
    async gone(project) {
      const known = await state.page(project).read();
      return known?.value.gone && { ...known.value.gone, version: known.version };
    },
  };
}

/** Invariant: stored at most once. */
class PreparedPage implements UnsavedPage {
  readonly #project: string;
  readonly #item: PreparableItem<PageState>;
  readonly #saved: () => void;
  #write: NewVersion | undefined;

  constructor(project: string, item: PreparableItem<PageState>, write: NewVersion, saved: () => void) {
    this.#project = project;
    this.#item = item;
    this.#write = write;
    this.#saved = saved;
  }

  /** Made when it is thrown: an error costs a quarter of a millisecond. */
  get superseded(): Superseded {
    return new Superseded(this.#project);
  }

  get write(): NewVersion | undefined {
    return this.#write;
  }

  saved(): void {
    if (this.#write === undefined) return;
    this.#write = undefined;
    this.#saved();
  }

  async save(): Promise<void> {
    if (this.#write === undefined) return;
    if (!(await this.#item.make(this.#write))) throw this.superseded;
    this.saved();
  }
}

function saidBy({
  bytes,
  project,
  url,
  contentType,
  etag,
  serial,
  seenSerial,
  twice,
  fetch,
  accepted,
}: PageContent): string {
  const said = [project, url, contentType, etag, serial, seenSerial, twice, fetch, accepted ?? []];
  return sha256Hex(Buffer.from(JSON.stringify([said, sha256Hex(bytes)])));
}
