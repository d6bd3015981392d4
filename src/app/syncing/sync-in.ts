import { setTimeout } from 'node:timers/promises';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import type { SyncWords } from '../../config/sync.ts';
import type { Volume } from '../../disk/volume.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { filtersOf } from '../../sync/filters.ts';
import { isWhole, type SyncReport } from '../../sync/report.ts';
import { type Synced, type SyncOptions, sync } from '../../sync/sync.ts';
import { holdDaysOf } from '../carry/retention.ts';
import type { Composition } from '../compose.ts';
import { freeBytes } from '../conditions/disk.ts';
import { whileHeldStays } from '../pruning/under-way.ts';
import { Holding } from './holds.ts';
import { wantedOf } from './wanted.ts';

/** What a sync is done in. */
export interface SyncPlace extends Pick<Composition, 'indexes' | 'states' | 'relayed'> {
  readonly volume: Pick<Volume, 'ops' | 'root'>;
  readonly operator: Pick<Composition['operator'], 'now'> & { readonly storage: Pick<BlobStorage, 'alias'> };
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
  const run = (hold?: Holding) =>
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
      onHeld: hold && ((picked) => hold.add(picked)),
      onTargetHeld: hold && ((expected) => hold.addTarget(expected)),
      async onCounted(counted, plan) {
        await onCounted?.(counted, plan);
        if (act.fetches && !words.largerThanRoom) await refuseWithoutRoom(config, counted);
      },
    });
  if (!act.fetches) return run();
  return whileHeldStays(composition.volume, 'sync', () => holding({ config, composition, words, signal }, run), signal);
}

/** What it holds is written down, unless that is more than is kept: sparing all of it would leave nothing else any room. */
async function holding(
  { config, composition, words, signal }: Pick<SyncAct, 'config' | 'composition' | 'words' | 'signal'>,
  run: (hold?: Holding) => Promise<Synced>,
): Promise<Synced> {
  if (holdDaysOf(config) === 0) return run();
  const { volume, operator, relayed } = composition;
  const { storage } = operator;
  const place = { volume, storage, relayed: relayed(words.index), now: () => operator.now() };
  const hold = await Holding.begin(place, words);
  let isDone = false;
  try {
    const synced = await run(hold);
    if (!signal.aborted && synced.report.progress.bytes <= mostKept(config)) {
      isDone = true;
      await hold.end(isWhole(synced.report));
    }
    return synced;
  } finally {
    if (!isDone) await hold.discard();
  }
}

function mostKept({ cache, blobs }: Config): number {
  return blobs?.maxBytes ?? cache.maxBytes;
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

async function refuseWithoutRoom(config: Config, { progress }: SyncReport): Promise<void> {
  const { data, blobs } = config;
  const most = mostKept(config);
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
