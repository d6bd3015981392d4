import { setTimeout } from 'node:timers/promises';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { SyncWords } from '../../config/sync.ts';
import type { Volume } from '../../disk/volume.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { filtersOf } from '../../sync/filters.ts';
import type { SyncReport } from '../../sync/report.ts';
import { type Synced, type SyncOptions, sync } from '../../sync/sync.ts';
import type { Composition } from '../compose.ts';
import { freeBytes } from '../conditions/disk.ts';
import { whileHeldStays } from '../pruning/under-way.ts';
import { wantedOf } from './wanted.ts';

/** What a sync is done in. */
export interface SyncPlace extends Pick<Composition, 'indexes' | 'states'> {
  readonly volume: Pick<Volume, 'ops' | 'root'>;
}

export interface SyncAct extends Pick<SyncOptions, 'fetches' | 'mustBeHeld' | 'onCounted' | 'onRound'> {
  readonly config: Config;
  readonly composition: SyncPlace;
  readonly words: SyncWords;
  readonly signal: AbortSignal;
}

/** Does what the operator's words say. Throws Refusal; `limit` where it would take more than there is room for. */
export async function syncIn({ config, composition, words, signal, onCounted, ...act }: SyncAct): Promise<Synced> {
  const index = composition.indexes.find(({ name }) => name === words.index);
  if (index === undefined)
    throw new Refusal('unlisted', `No index called ${words.index} is configured.`, { subject: 'request' });
  const wanted = await wantedOf(words, config.sync?.environments ?? new Map());
  const run = () =>
    sync({
      ...act,
      index,
      wanted,
      filters: filtersOf(words),
      held: () => heldProjects(composition.states.get(words.index)),
      caller: { index: index.name, party: 'sync', priority: 'background', signal },
      parallel: words.parallel,
      pause: async (ms) => {
        await setTimeout(ms, undefined, { signal }).catch(() => undefined);
      },
      isOffline: config.offline,
      async onCounted(counted, plan) {
        await onCounted?.(counted, plan);
        if (act.fetches && !words.largerThanRoom) await refuseWithoutRoom(config, counted);
      },
    });
  return act.fetches ? whileHeldStays(composition.volume, 'sync', run, signal) : run();
}

/** Of a signed index the pins say which. */
async function* heldProjects(state: IndexState | undefined): AsyncGenerator<string, void, undefined> {
  const told = new Set<string>();
  for (const kind of ['pages', 'pins'] as const)
    for await (const project of state?.projects(kind) ?? []) {
      if (told.has(project)) continue;
      told.add(project);
      yield project;
    }
}

async function refuseWithoutRoom({ data, cache, blobs }: Config, { progress }: SyncReport): Promise<void> {
  const most = blobs?.maxBytes ?? cache.maxBytes;
  if (progress.bytes > most)
    throw noRoom(
      `it is ${megabytes(progress.bytes)}, and at most ${megabytes(most)} are kept (${blobs === undefined ? 'cache' : 'blobs'}.max_bytes)`,
    );
  const free = blobs === undefined ? await freeBytes(data) : undefined;
  const needed = progress.bytes - progress.heldBytes;
  if (free !== undefined && needed > free)
    throw noRoom(`it takes ${megabytes(needed)} more, and ${megabytes(free)} are free on the disk of ${data}`);
}

function noRoom(why: string): Refusal {
  return new Refusal(
    'limit',
    `Nothing was fetched: ${why}. Ask for less, make room, or say that it is to begin all the same (--yes, larger_than_room).`,
    { subject: 'request' },
  );
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
