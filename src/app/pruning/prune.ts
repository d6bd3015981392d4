import type { Pruned } from '../../blobs/pruning/pruner.ts';
import type { Config } from '../../config/config.ts';
import { type Composition, compose } from '../compose.ts';
import { noEvents } from '../no-events.ts';
import { type Hands, ownHands, serversHands } from './hands.ts';
import { type PrunePlan, planPrune } from './plan.ts';
import { whileNothingCounts } from './under-way.ts';

interface PruneOptions {
  readonly config: Config;
  readonly reason: string;
  readonly dryRun: boolean;
}

export interface PrunedHere {
  readonly plan: PrunePlan;
  /** Undefined where it was only looked. */
  readonly pruned: Pruned | undefined;
}

/** Digests that are asked about at once. */
const AT_ONCE = 1000;

/** Removes what nothing needs, beside the servers of the data directory or alone. Throws Refusal; what was removed until then is gone. */
export async function pruneIn({ config, reason, dryRun }: PruneOptions): Promise<PrunedHere> {
  // What is believed is what lies here: nobody is asked.
  const here: Config = { ...config, offline: true, offlinePages: 'all' };
  if (dryRun)
    return withComposition(here, async (composition) => ({ plan: await planPrune(composition), pruned: undefined }));
  const servers = await serversHands(config);
  try {
    return await withComposition(here, (composition) =>
      whileNothingCounts(composition.volume, async () => {
        const plan = await planPrune(composition);
        const hands = servers ?? (await ownHands(config, composition));
        try {
          return { plan, pruned: await dropAll(hands, plan, reason) };
        } finally {
          await hands.end();
        }
      }),
    );
  } finally {
    await servers?.end();
  }
}

async function dropAll(hands: Hands, { digests, total }: PrunePlan, reason: string): Promise<Pruned> {
  const sum = { files: 0, bytes: 0, spared: 0, failed: 0 };
  if (digests.length === 0) return sum;
  await hands.note({ ...total, reason });
  for (let at = 0; at < digests.length; at += AT_ONCE) {
    const { files, bytes, spared, failed } = await hands.drop(digests.slice(at, at + AT_ONCE));
    sum.files += files;
    sum.bytes += bytes;
    sum.spared += spared;
    sum.failed += failed;
  }
  return sum;
}

async function withComposition<T>(config: Config, run: (composition: Composition) => Promise<T>): Promise<T> {
  const composition = await compose({ config, emit: noEvents });
  try {
    return await run(composition);
  } finally {
    await composition.close();
  }
}
