import { noEvents } from '../../src/app/no-events.ts';
import type { RunningIndex } from '../../src/mirror/create-index.ts';
import type { DrawnBodies } from '../../src/mirror/projects/drawn-bodies.ts';
import { createUnsignedIndex } from '../../src/mirror/unsigned/index.ts';
import {
  type IndexState,
  type PageRecord,
  type PageStore,
  type Pin,
  type Pins,
  Superseded,
} from '../../src/ports/index-state.ts';
import type { Lease } from '../../src/ports/lease.ts';
import type { ListStore } from '../../src/ports/list-store.ts';
import { type PageWork, workHere } from '../../src/ports/page-work.ts';
import type { Policy } from '../../src/ports/policy.ts';
import type { DocumentAnswer, Upstream } from '../../src/ports/upstream.ts';
import { createListStore } from '../../src/state/list.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { DAY } from './clock.ts';
import { policyOver } from './policies.ts';
import { openStore } from './volume-harness.ts';

export const PAGE_URL = 'https://pypi.example/simple/alpha/';

export interface UnsignedIndexOptions {
  /** Seconds since the epoch. */
  readonly now: () => number;
  readonly upstream: Partial<Upstream>;
  readonly policy?: Policy;
  /** The page of alpha that is remembered from before. */
  readonly record?: PageRecord | undefined;
  readonly work?: PageWork | undefined;
  readonly drawn?: DrawnBodies | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  /** What it remembers, where others have that, too; its list of all projects with it. */
  readonly state?: IndexState | undefined;
  readonly lease?: Lease | undefined;
}

/** An index that signs nothing, whose upstream is in the test's hands; what it remembers lies in memory, its blobs on disk. */
export async function unsignedIndex(options: UnsignedIndexOptions): Promise<RunningIndex> {
  const { now, upstream, policy, record, work = workHere, drawn, memory = 1e7, state, lease } = options;
  const { blobs } = await openStore();
  return createUnsignedIndex({
    name: 'main',
    upstreamUrl: 'https://pypi.example/simple/',
    bases: ['https://pypi.example/simple/'],
    flat: undefined,
    upstream: {
      document: async () => ({ kind: 'absent' }),
      download: () => () => Promise.reject(new Error('nothing is to be downloaded')),
      mayFetch: (url) => !url.includes('//far.example/'),
      ...upstream,
    },
    store: state === undefined ? pagesInMemory(record) : createPageStore(state),
    lease,
    lists: state === undefined ? NO_LIST : createListStore(state),
    pins: state === undefined ? pinsInMemory() : createPins(state),
    blobs,
    relayed: undefined,
    work,
    drawn,
    policy: policy ?? policyOver(state),
    clock: { now, judged: now },
    emit: noEvents,
    journal: { note() {} },
    tallies: { load: async () => new Map(), put() {} },
    memory,
    reuploads: false,
    offline: false,
    maxAge: 600,
    staleIfError: DAY,
    contentAddressed: false,
    projectList: state !== undefined,
    api: undefined,
    seen: async () => [],
    nameFetch: nameFetches(),
    sealed: false,
  });
}

const NO_LIST: ListStore = {
  load: async () => undefined,
  isCurrent: async () => true,
  bytes: async () => undefined,
  save: async () => {},
  confirm: async () => {},
};

/** Upstream's page of alpha, with these files. */
export function pageOf(filenames: readonly string[]): Uint8Array {
  const files = filenames.map((filename) => ({
    filename,
    url: `../../x/${filename}`,
    hashes: { sha256: 'a'.repeat(64) },
  }));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files }));
}

export function answerOf(bytes: Uint8Array): DocumentAnswer {
  const said = { contentType: '', etag: undefined, serial: undefined, maxAge: undefined };
  return { kind: 'document', url: PAGE_URL, bytes, ...said };
}

function nameFetches(): () => string {
  let count = 0;
  return () => `fetch ${++count}`;
}

function pagesInMemory(first: PageRecord | undefined): PageStore {
  const records = new Map(first === undefined ? [] : [[first.project, first]]);
  return {
    load: async (project) => records.get(project),
    left: async () => undefined,
    isCurrent: async () => true,
    async save(record) {
      const stored = { ...record, version: record.version + 1 };
      records.set(record.project, stored);
      return stored;
    },
    async prepare(record, saved) {
      const stored = { ...record, version: record.version + 1 };
      const superseded = new Superseded(record.project);
      const save = async () => {
        records.set(record.project, stored);
        saved();
      };
      return { record: stored, unsaved: { write: undefined, saved: () => undefined, save, superseded } };
    },
    remove: async ({ project }) => records.delete(project),
    gone: async () => undefined,
  };
}

function pinsInMemory(): Pins {
  const pins = new Map<string, Pin>();
  const put = (news: ReadonlyMap<string, Pin>) => {
    for (const [file, pin] of news) pins.set(file, pin);
    return new Map(pins);
  };
  return {
    of: async () => new Map(pins),
    read: async () => ({ pins: new Map(pins), id: JSON.stringify([...pins].map(([file, pin]) => [file, pin.seen])) }),
    add: async (_, news) => put(news),
    replaceAll: async (_, news) => void put(news),
    replace: async (_, file, pin) => void pins.set(file, pin),
    async mark(_, marks) {
      for (const { file, confirms } of marks) {
        const pin = pins.get(file);
        if (pin !== undefined)
          pins.set(file, { ...pin, proved: true, provisional: !confirms({ ...pin, proved: true }) });
      }
      return new Map(pins);
    },
    // Of an index that signs nothing no pin says so.
    offered: async () => ({ removed: [], returned: [] }),
    async addCoreMetadata(_, file, coreMetadata) {
      const pin = pins.get(file);
      if (pin !== undefined) pins.set(file, { ...pin, coreMetadata });
    },
    async confirm(_, files) {
      for (const file of files) {
        const pin = pins.get(file);
        if (pin !== undefined) pins.set(file, { ...pin, provisional: false });
      }
    },
  };
}
