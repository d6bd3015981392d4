import { LRUCache } from 'lru-cache';
import type { IndexState, Pin } from '../ports/index-state.ts';
import type { StateStorage } from '../ports/state-storage.ts';
import type { TrustStore } from '../ports/trust/trust-store.ts';
import { ANSWERS } from './answers.ts';
import { createCarried } from './carried.ts';
import { createDelegatedRoles } from './delegated.ts';
import { createFacts } from './facts.ts';
import { CONTENTS } from './found/contents.ts';
import { type Newest, StoredItem } from './item.ts';
import { PAGE_BYTES, PINS_BYTES, PINS_IN_MEMORY } from './limits.ts';
import { LIST } from './list.ts';
import { pageKind } from './page-codec.ts';
import { indexName, listPath, projectPath, projectsPath, trustPath } from './paths.ts';
import { pinsKind } from './pin-codec.ts';
import { PROVENANCE } from './provenance.ts';
import { Published } from './published.ts';
import { QUARANTINE, SEEN_QUARANTINE } from './quarantine.ts';
import { Roots } from './roots.ts';
import { setAside } from './set-aside.ts';
import { createTimestampFloor } from './timestamp-floor.ts';

export interface IndexStateOptions {
  readonly storage: StateStorage;
  readonly index: string;
  /** Parsed pins kept in memory. */
  readonly pinsInMemory?: number | undefined;
  /** Most bytes of a project's page and of its pins, half of it each, before they are compressed. */
  readonly projectBytes?: number | undefined;
  /** Seconds. */
  readonly now?: (() => number) | undefined;
}

/** Everything one index remembers, over whatever storage there is. Throws Refusal `state` for a name no index can have. */
export function createIndexState({
  storage,
  index: given,
  pinsInMemory = PINS_IN_MEMORY,
  projectBytes = PAGE_BYTES + PINS_BYTES,
  now = () => Math.floor(Date.now() / 1000),
}: IndexStateOptions): IndexState {
  const index = indexName(given);
  const memory = new LRUCache<string, Newest<ReadonlyMap<string, Pin>>>({
    maxSize: pinsInMemory,
    // More pins than the whole are kept alone.
    sizeCalculation: ({ known }) => Math.min(Math.max(known?.value.size ?? 0, 1), pinsInMemory),
  });
  return {
    index,
    trust: createTrust(storage, index, now),
    facts: createFacts(storage, index),
    carried: createCarried(storage, index),
    pins: (project) =>
      new StoredItem({
        storage,
        path: projectPath(index, 'pins', project),
        kind: pinsKind(project, projectBytes / 2),
        memory,
      }),
    list: new StoredItem({ storage, path: listPath(index), kind: LIST }),
    page: (project) =>
      new StoredItem({
        storage,
        path: projectPath(index, 'pages', project),
        kind: pageKind(project, projectBytes / 2),
      }),
    quarantine: (project) =>
      new StoredItem({ storage, path: projectPath(index, 'quarantine', project), kind: QUARANTINE }),
    answers: (project) => new StoredItem({ storage, path: projectPath(index, 'answers', project), kind: ANSWERS }),
    provenance: (project) =>
      new StoredItem({ storage, path: projectPath(index, 'provenance', project), kind: PROVENANCE }),
    contents: (project) => new StoredItem({ storage, path: projectPath(index, 'contents', project), kind: CONTENTS }),
    seenQuarantine: (project) =>
      new StoredItem({ storage, path: projectPath(index, 'seen-quarantines', project), kind: SEEN_QUARANTINE }),
    async *projects(kind) {
      for await (const path of storage.items(projectsPath(index, kind))) yield path.at(-1) ?? '';
    },
    setTrustAside: (at) => setAside(storage, trustPath(index), `tuf.until-${at}`),
  };
}

function createTrust(storage: StateStorage, index: string, now: () => number): TrustStore {
  const roots = new Roots(storage, index);
  const published = new Published(storage, index, roots);
  const floor = createTimestampFloor(storage, index);
  const delegated = createDelegatedRoles(storage, index, now);
  return {
    load: (again) => published.load(again),
    clockFloor: () => published.clockFloor(),
    acceptClock: (now) => published.acceptClock(now),
    publish: (next, replaces) => published.publish(next, replaces),
    recent: (role, version) => published.recent(role, version),
    keepRoot: (version, bytes) => roots.keep(version, bytes),
    root: (version) => roots.read(version),
    keepTimestamp: floor.keep,
    timestamp: floor.read,
    delegated: delegated.read,
    keepDelegated: delegated.keep,
  };
}
