import { setTimeout } from 'node:timers/promises';
import { MAX_ARCHIVE } from '../../advisories/limits.ts';
import type { HeldFeed } from '../../bundle/export/held-advisories.ts';
import { LIMITS } from '../../bundle/format/limits.ts';
import type { FeedPlace } from '../../bundle/import/carried-feed.ts';
import { existing } from '../../bytes/existing.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AdvisoriesConfig } from '../../config/advisories/schema.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import { WorkMarks } from '../../disk/bundles/work-marks.ts';
import { codeOf } from '../../disk/file-ops.ts';
import { isFull } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import { advisoriesOf } from '../policy/rules.ts';
import type { FeedKeeper } from './keeper.ts';

interface FeedOf {
  readonly config: Pick<Config, 'advisories'>;
  readonly volume: Pick<Volume, 'ops' | 'root'>;
  readonly advisories: Pick<FeedKeeper, 'inForce' | 'standing' | 'take'> | undefined;
}

/** Milliseconds after which whoever was not alone looks again, at most. */
const LOOK_WITHIN = 500;

/** What a bundle of the index is to carry of advisories: undefined where none are configured for it, or to be carried; `none` where none are in force. */
export async function feedToCarry(
  { advisories, config }: Omit<FeedOf, 'volume'>,
  index: IndexConfig,
): Promise<HeldFeed | 'none' | undefined> {
  const given = advisoriesOf(config, index);
  if (advisories === undefined || given === undefined || given.export === false) return undefined;
  const { inForce, standing } = advisories;
  if (inForce?.archive === undefined) return 'none';
  const { newest, records, malware } = inForce.advisories.totals;
  return {
    from: shown(standing.place).slice(0, LIMITS.url),
    newest,
    records,
    malware,
    archive: await inForce.archive.given(),
  };
}

/** Where an import puts advisories that a bundle brings. */
export function feedPlace({ advisories, config, volume }: FeedOf): FeedPlace {
  const from = config.advisories?.from;
  return {
    closed: closedBy(from),
    async take(archive) {
      const bytes = await archive.bytes(MAX_ARCHIVE);
      try {
        // One after the other: what is older is told by what is kept.
        return await alone(volume, () =>
          existing(advisories, 'advisories are taken and none are configured').take(bytes),
        );
      } catch (error) {
        throw notKept(error, volume.root);
      }
    },
  };
}

/** What a disk did not take is in force nowhere but in the process that tried. */
function notKept(cause: unknown, root: string): unknown {
  const code = codeOf(cause);
  if (cause instanceof Refusal || code === undefined) return cause;
  const how = { subject: 'state', transient: true, cause } as const;
  return isFull(cause)
    ? new Refusal('limit', `the disk of the data directory ${root} is full (${code}), so make room on it`, how)
    : new Refusal(
        'state',
        `nothing could be written in the data directory ${root} (${code}), so look at its disk`,
        how,
      );
}

function closedBy(from: AdvisoriesConfig['from'] | undefined): string | undefined {
  if (from === undefined) return 'this site reads none (advisories.carried)';
  if ('carried' in from) return undefined;
  const [setting = ''] = Object.keys(from);
  return `this site has its own (advisories.${setting}), which count`;
}

/** Without the login that an address may have, or words behind it that open it. */
function shown(place: string): string {
  if (!URL.canParse(place)) return place;
  const url = new URL(place);
  url.username = '';
  url.password = '';
  url.search = '';
  return url.href;
}

async function alone<T>({ ops, root }: FeedOf['volume'], run: () => Promise<T>): Promise<T> {
  const marks = new WorkMarks(ops, root);
  for (;;) {
    // Before it looks: of two that come at once neither goes ahead.
    const mark = await marks.begin('advisories');
    try {
      if ((await marks.underWay(['advisories'])) === 1) return await run();
    } finally {
      await mark.end();
    }
    await setTimeout(Math.random() * LOOK_WITHIN);
  }
}
