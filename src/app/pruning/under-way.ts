import { setTimeout } from 'node:timers/promises';
import { Refusal } from '../../bytes/refusal.ts';
import { type Work, WorkMarks } from '../../disk/bundles/work-marks.ts';
import type { Volume } from '../../disk/volume.ts';

type Place = Pick<Volume, 'ops' | 'root'>;

/** Milliseconds between two looks whether a prune is through. */
const LOOK_EVERY = 250;

/** Runs what counts on contents staying where they are: no prune begins meanwhile, and one that is under way is waited for. Throws where the signal ends that wait. */
export async function whileHeldStays<T>(
  { ops, root }: Place,
  work: Extract<Work, 'import' | 'sync'>,
  run: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const marks = new WorkMarks(ops, root);
  // Before it looks: whoever comes second sees the other.
  const mark = await marks.begin(work);
  try {
    while ((await marks.underWay(['prune'])) > 0) await setTimeout(LOOK_EVERY, undefined, { signal });
    return await run();
  } finally {
    await mark.end();
  }
}

/** Runs what removes contents. Throws Refusal `state` where something is under way that counts on them, or that removes some. */
export async function whileNothingCounts<T>({ ops, root }: Place, run: () => Promise<T>): Promise<T> {
  const marks = new WorkMarks(ops, root);
  const mark = await marks.begin('prune');
  try {
    if ((await marks.underWay(['import', 'sync'])) > 0) throw busy('An import or a sync is under way');
    if ((await marks.underWay(['prune'])) > 1) throw busy('Another prune is under way');
    return await run();
  } finally {
    await mark.end();
  }
}

function busy(what: string): Refusal {
  return new Refusal('state', `${what} in this data directory: run this again when it is through.`, {
    subject: 'state',
    transient: true,
  });
}
