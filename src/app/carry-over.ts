import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Refusal } from '../bytes/refusal.ts';
import { EpochFile } from '../disk/database/epoch-file.ts';
import { FORMER_FOLDERS, FormerIndex, holdsFormerState } from '../disk/layout-1/former-index.ts';
import type { RecordsDatabase } from '../disk/records/records-database.ts';
import type { SqliteState } from '../disk/state/sqlite-state.ts';
import { LAYOUT, type Volume } from '../disk/volume.ts';
import { type CarriedOver, carryOver, type LossAccepted } from '../state/carry-over.ts';
import { carryOverRecords, removeFormerRecords } from './carry-over-records.ts';
import type { Sealing } from './secrets.ts';

/** An operator's word about one index: what does not hold of it is given up. */
export interface LossWord extends LossAccepted {
  readonly index: string;
  /** Where what is given up goes. */
  readonly keepAs: string;
}

export interface CarryOverParts {
  readonly volume: Volume;
  readonly state: Pick<SqliteState, 'begin'>;
  readonly records: RecordsDatabase;
  readonly directoryOf: (index: string) => string;
  readonly indexes: readonly string[];
  readonly sealing: Sealing;
  readonly word: LossWord | undefined;
}

/**
 * Carries the indexes of an earlier layout over: each is made whole elsewhere and put in its place at once. The files it came
 * from stay until all are done and the directory is marked; a start that ends before that begins again from them. An index that
 * is not configured stays as it is until it is.
 */
export async function carryOverIndexes(parts: CarryOverParts): Promise<CarriedOver | undefined> {
  const { volume, records, directoryOf, indexes, word } = parts;
  const isFormer = volume.layout < LAYOUT;
  if (isFormer && (await volume.isShared())) throw inUse(volume);
  let outcome: CarriedOver | undefined;
  const carried: string[] = [];
  for (const index of indexes) {
    const directory = directoryOf(index);
    if (!(await holdsFormerState(volume.ops, directory))) continue;
    carried.push(index);
    if (!isFormer && (await volume.ops.facts(join(directory, 'state'))) !== undefined) continue;
    // Of a start that ended before the directory was marked: nobody has used it.
    if (isFormer) await volume.ops.removeTree(join(directory, 'state'));
    const result = await carryOverIndex(parts, index);
    if (word?.index === index) outcome = result;
  }
  if (isFormer) {
    await carryOverRecords(volume, records);
    await volume.finishLayout();
  }
  await removeFormerRecords(volume);
  for (const index of carried)
    await removeFormer(volume, directoryOf(index), word?.index === index ? word.keepAs : undefined);
  return outcome;
}

async function carryOverIndex(parts: CarryOverParts, index: string): Promise<CarriedOver> {
  const { volume, state, directoryOf, sealing, word } = parts;
  const { sealKey, sealEpochFile } = sealing;
  const noted =
    sealKey === undefined || sealEpochFile === undefined ? undefined : new EpochFile(volume.ops, sealEpochFile);
  const lowest = (await noted?.of(index)) ?? 0;
  const former = new FormerIndex({ ops: volume.ops, directory: directoryOf(index), index, sealKey, lowest });
  const outcome: CarriedOver = { kept: 0, adopted: 0, setAside: [] };
  const accepted = word?.index === index ? word : undefined;
  if (!(await state.begin(index, carryOver(index, former, outcome, accepted), await former.epoch())))
    throw new Error(`the state of ${index} is there already`);
  return outcome;
}

/** What is left of them would be taken for an index that was never carried over, if its state went missing. */
async function removeFormer({ durable, ops }: Volume, directory: string, keepAs: string | undefined): Promise<void> {
  for (const folder of FORMER_FOLDERS) {
    const path = join(directory, folder);
    if ((await ops.facts(path)) === undefined) continue;
    if (keepAs !== undefined) await durable.moveAway(path, join(keepAs, folder));
    else {
      // At once out of the way, however long it takes to remove.
      const away = join(await durable.tempDirectory(), folder);
      await durable.moveAway(path, away);
      await ops.removeTree(away);
    }
  }
}

/** A name for what is given up, that no other command takes. */
export function lostName(directory: string, now: number): string {
  return join(directory, 'lost', `${now}-${randomBytes(4).toString('hex')}`);
}

function inUse({ root }: Volume): Refusal {
  return new Refusal(
    'state',
    `The data directory ${root} was written by an earlier Verbatim and is to be carried over, but another process uses it (see ${join(root, 'tmp')}; what a killed process of another host or container left there counts for an hour). Stop it and start again.`,
    { subject: 'state' },
  );
}
