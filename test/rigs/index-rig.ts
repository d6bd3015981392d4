import { readFile } from 'node:fs/promises';
import { internalCaller } from '../../src/async/caller.ts';
import type { UnsignedIndexConfig } from '../../src/config/config.ts';
import { createJournal } from '../../src/disk/records/journal.ts';
import type { IndexState, PageStore, Pin, Pins } from '../../src/ports/index-state.ts';
import type { JournalEntry } from '../../src/ports/records.ts';
import type { StateRoom } from '../../src/ports/state-room.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { createClock } from '../support/clock.ts';
import { type FakePypi, type FakePypiOptions, startFakePypi } from '../support/fake-pypi.ts';
import { withState } from '../support/state.ts';
import {
  type Mirror,
  type MirrorOptions,
  makeScratch,
  NOW,
  type SimpleFile,
  startMirror,
  unsignedConfig,
} from './mirror.ts';

export interface IndexRigOptions
  extends FakePypiOptions,
    Pick<
      MirrorOptions,
      | 'upstreamLimits'
      | 'maxBytes'
      | 'stateBytes'
      | 'seal'
      | 'redis'
      | 'data'
      | 'connections'
      | 'readers'
      | 'offlinePages'
      | 'advisories'
    > {
  /** What upstream has when the mirror starts. */
  readonly fill?: (pypi: FakePypi) => void;
  /** Read again at each start. */
  readonly index?: Partial<UnsignedIndexConfig>;
  /** One that another mirror stands before already. */
  readonly pypi?: FakePypi;
}

/** A mirror before a PyPI on loopback that signs nothing, as it is today. */
export interface IndexRig extends Mirror {
  readonly pypi: FakePypi;
  /** The page when the last one has grown old: refreshed first, the last one where that fails. */
  readonly later: (project: string, seconds?: number) => Promise<readonly SimpleFile[]>;
  /** Fetched and proved by the mirror's own work, which sends nothing to a client. */
  readonly openedByJob: (project: string, filename: string) => Promise<void>;
  /** Where this mirror has the file. */
  readonly path: (file: IndexFile) => string;
  /** Reason and subject of every alarm since the last time of asking. */
  readonly alarms: () => readonly string[];
  /** Kind and file of every entry of the journal; the mirror is restarted for it. */
  readonly journal: () => Promise<readonly JournalEntry[]>;
  readonly pins: (project: string) => Promise<ReadonlyMap<string, Pin>>;
  /** What an operator's command works on, while the mirror runs. */
  readonly onDisk: <T>(
    work: (disk: {
      readonly state: IndexState;
      readonly pins: Pins;
      readonly pages: PageStore;
      readonly storage: StateRoom;
    }) => Promise<T>,
  ) => Promise<T>;
}

/** Older than fresh and ageing together: the next request waits for a refresh. */
export const OLD = 901;

export async function startIndexRig(options: IndexRigOptions = {}): Promise<IndexRig> {
  const clock = createClock(NOW);
  const pypi = options.pypi ?? (await startFakePypi(options));
  options.fill?.(pypi);
  const indexes = () => [
    unsignedConfig({
      upstream: `${pypi.url}simple/`,
      fileHosts: [`127.0.0.1:${pypi.files.port}`],
      ...options.index,
    }),
  ];
  const mirror = await startMirror({ ...options, scratch: await makeScratch(), clock, indexes });
  let alarmed = 0;
  const onDisk: IndexRig['onDisk'] = async (work) =>
    withState(
      mirror.data(),
      (state, { databases }) =>
        work({ state, pins: createPins(state), pages: createPageStore(state), storage: databases.state }),
      {
        ...(options.seal && { sealKey: await readFile(options.seal.key), sealEpochFile: options.seal.epoch }),
      },
    );
  return {
    ...mirror,
    pypi,
    async later(project, seconds = OLD) {
      clock.advance(seconds);
      return (await mirror.page(project)).files;
    },
    async openedByJob(project, filename) {
      const job = internalCaller('main', 'sync');
      const index = mirror.index();
      await index.open(await index.listing(project, job), filename, job);
    },
    path: (file) => pypi.storedAt(file),
    alarms() {
      const { rejected } = mirror.events;
      const since = rejected.slice(alarmed).map(({ reason, subject }) => `${reason} ${subject}`);
      alarmed = rejected.length;
      return since;
    },
    async journal() {
      await mirror.stop();
      const entries: JournalEntry[] = [];
      await withState(mirror.data(), async (_, { databases }) => {
        for await (const entry of createJournal(databases.records).read()) entries.push(entry);
      });
      await mirror.start();
      return entries;
    },
    pins: (project) => onDisk(({ pins }) => pins.of(project)),
    onDisk,
    async close() {
      await mirror.close();
      await pypi.close();
    },
  };
}
