import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import { createJournal, type StoredJournal } from '../../disk/records/journal.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { normalizeName } from '../../pypi/names.ts';
import { filePlace } from '../bucket/bucket.ts';
import { BESIDE } from '../bucket/waiting.ts';
import { createClock } from '../clock.ts';
import { withDataDirectory } from '../data-directory.ts';
import { noEvents } from '../no-events.ts';

/** What operators act on: the data directory for one command's time, or that of a server that runs. */
export interface OperatorPlace {
  readonly config: Config;
  /** An index with the policy that is in force, where a server has read one since. */
  inForce?(index: IndexConfig): IndexConfig;
  /** What the index remembers. Throws Refusal `state` where it cannot be believed. */
  state(index: string): Promise<IndexState>;
  readonly journal: Pick<StoredJournal, 'note' | 'read' | 'flush'>;
  readonly storage: BlobStorage;
  /** Drops a stored file. */
  forget(sha256: string): Promise<void>;
  /** The time it is: the reference time says nothing of that. */
  now(): Instant;
}

/** The data directory itself, where no server runs on it. */
export function withOperatorPlace<T>(config: Config, run: (place: OperatorPlace) => Promise<T>): Promise<T> {
  return withDataDirectory(config, async (directory) => {
    const journal = createJournal(directory.records, { maxBytes: config.cache.journalBytes });
    const disk = directory.blobs(config.cache.maxBytes, {});
    try {
      const files = filePlace({
        config,
        volume: directory.volume,
        disk,
        worker: BESIDE,
        upkeep: false,
        emit: noEvents,
      });
      const { storage } = files;
      try {
        return await run({
          config,
          state: async (index) => (await directory.open(index)).state,
          journal,
          storage,
          forget: (sha256) => storage.remove(sha256),
          now: () => createClock(undefined).now(),
        });
      } finally {
        await files.close();
      }
    } finally {
      await disk.close();
      await journal.close();
    }
  });
}

/** The normalized name of a project. Throws Refusal `format` for what is none. */
export function projectOf(name: string): string {
  const project = normalizeName(name);
  if (project === undefined) throw new Refusal('format', `"${name}" is no project's name.`, { subject: 'request' });
  return project;
}
