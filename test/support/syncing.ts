import { internalCaller } from '../../src/async/caller.ts';
import type { PackageIndex } from '../../src/mirror/package-index.ts';
import { environmentOf } from '../../src/pypi/resolving/environment.ts';
import { type FilterWords, filtersOf } from '../../src/sync/filters.ts';
import type { Wanted } from '../../src/sync/plan.ts';
import type { SyncReport } from '../../src/sync/report.ts';
import { askedBy } from '../../src/sync/selection/requirements.ts';
import { type Synced, type SyncOptions, sync } from '../../src/sync/sync.ts';

export const LINUX = environmentOf('linux', { python: '3.12', platform: 'linux' });
export const WINDOWS = environmentOf('windows', { python: '3.9', platform: 'windows' });

export interface Syncing extends Partial<Omit<Wanted, 'names' | 'held'>> {
  readonly names?: readonly string[];
  readonly filters?: FilterWords;
  readonly fetches?: boolean;
  readonly isOffline?: boolean;
  /** Projects that are held, where those are wanted. */
  readonly held?: AsyncIterable<string> | readonly string[];
  readonly parallel?: number;
  readonly onRound?: SyncOptions['onRound'];
  readonly pause?: SyncOptions['pause'];
}

/** A sync of an index, which pauses for nothing. */
export function syncing(index: PackageIndex, { names = [], filters = {}, ...wanted }: Syncing): Promise<Synced> {
  const { fetches = true, isOffline = false, held, onRound, parallel = 8 } = wanted;
  const { pause = async () => undefined } = wanted;
  return sync({
    index,
    wanted: {
      names: names.map(askedBy),
      globs: [],
      asked: [],
      constraints: [],
      passedOver: [],
      listed: false,
      environments: [],
      ...wanted,
      held: held !== undefined,
    },
    filters: filtersOf(filters),
    held: async function* () {
      yield* held ?? [];
    },
    caller: internalCaller(index.name, 'sync'),
    parallel,
    pause,
    isOffline,
    fetches,
    onRound,
  });
}

/** What a report says, in short. */
export function inShort({ fetched, missing, refused, leftOut, progress }: SyncReport) {
  return {
    fetched: fetched.named.map(({ what }) => what).sort(),
    held: progress.held,
    ...(missing.count > 0 && { missing: missing.named.map(({ what, why }) => `${what}: ${why}`).sort() }),
    ...(refused.count > 0 && { refused: refused.named.map(({ what, why }) => `${what}: ${why.split(':')[0]}`).sort() }),
    ...(leftOut.size > 0 && { leftOut: Object.fromEntries(leftOut) }),
  };
}
