import { lostName } from '../app/carry-over.ts';
import { createClock } from '../app/clock.ts';
import { directoryIn, indexOf, openDataDirectory } from '../app/data-directory.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Config } from '../config/config.ts';
import {
  acceptStateLoss,
  type LossOptions,
  noteCarriedLoss,
  type StateLoss,
} from '../state/admin/accept-state-loss.ts';
import { print, printJson } from './output.ts';

interface AcceptStateLossOptions {
  readonly index: string;
  readonly reason: string;
  readonly adopt: boolean;
  readonly json: boolean;
}

/** `verbatim accept-state-loss INDEX`: what is missing or cannot be believed is given up, and that is written down. */
export async function acceptLoss(
  config: Config,
  { index, reason, adopt, json }: AcceptStateLossOptions,
): Promise<void> {
  const { evidence } = indexOf(config, index);
  if (config.fleet !== undefined) throw sharedState(index);
  const now = createClock(undefined).now();
  const keepAs = lostName(directoryIn(config.data, index), now);
  const options = { evidence, adopt, reason, now, keepAs };
  const loss = await giveUp(config, index, options);
  if (json) return printJson({ index, ...loss });
  print(`${index}: ${loss.kept} pieces of state hold and are kept.`);
  if (loss.adopted > 0)
    print(`${loss.adopted} are believed on your word, and written again as the configuration says.`);
  for (const item of loss.setAside) print(`set aside: ${item}`);
  if (loss.setAside.length > 0)
    print(`What was set aside lies in ${loss.setAsideTo}. What it remembered begins anew, at first sight.`);
  print('The reason you gave is in the audit trail. A server that runs goes on as soon as it looks again.');
}

/** What is lost here the others have; what all of them lost is nobody's to begin anew on one machine. */
function sharedState(index: string): Refusal {
  return new Refusal(
    'policy',
    `What index ${index} remembers is shared (fleet.state): start this replica with an empty data directory, and it has all of it again.`,
    { subject: 'request' },
  );
}

async function giveUp(config: Config, index: string, options: LossOptions): Promise<StateLoss> {
  const directory = await openDataDirectory(config, { word: { index, ...options } });
  try {
    const state = directory.unchecked(index);
    const { carried, storage } = directory;
    if (carried !== undefined) return await noteCarriedLoss(state, carried, options);
    return await acceptStateLoss(storage, state, options);
  } finally {
    await directory.close();
  }
}
