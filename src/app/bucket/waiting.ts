import { createWaitingRecord } from '../../disk/blob-storage.ts';
import type { Volume } from '../../disk/volume.ts';
import type { UsageRecord } from '../../ports/blob-storage.ts';

/** Which of the processes on one directory it is, from 1 on, and how many there are. */
export interface WorkerPlace {
  readonly number: number;
  readonly workers: number;
}

/** A command beside the server. */
export const BESIDE: WorkerPlace = { number: 0, workers: 0 };

/** The most processes that an earlier start may have had. */
const MOST_WORKERS = 256;

/**
 * What this process has to upload yet. The first one takes over what commands left, and processes that an earlier start had and this one has not; their
 * records are emptied once its own has that.
 */
export function waitingOf(volume: Volume, { number, workers }: WorkerPlace): UsageRecord {
  const own = createWaitingRecord(volume, number);
  const left: UsageRecord[] = [];
  return {
    async read() {
      const records = [await own.read()];
      for (const gone of number === 1 ? numbersBeside(workers) : []) {
        const record = createWaitingRecord(volume, gone);
        const bytes = await record.read();
        if (bytes === undefined || bytes.byteLength === 0) continue;
        records.push(bytes);
        left.push(record);
      }
      return Buffer.concat(records.filter((bytes) => bytes !== undefined));
    },
    async write(bytes) {
      await own.write(bytes);
      for (const record of left.splice(0)) await record.write(new Uint8Array());
    },
  };
}

function* numbersBeside(workers: number): Generator<number> {
  yield BESIDE.number;
  for (let gone = workers + 1; gone <= MOST_WORKERS; gone++) yield gone;
}
