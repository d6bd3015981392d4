import { randomUUID } from 'node:crypto';
import type { Pruned } from '../../blobs/pruning/pruner.ts';
import type { Config } from '../../config/config.ts';
import type { Composition } from '../compose.ts';
import { type Server, serversOn } from '../control/connect.ts';
import {
  PruneBegun,
  PruneDropped,
  PruneEnded,
  PruneNoted,
  type PruneRequest,
  PruneSpared,
} from '../control/requests.ts';
import { withOperatorPlace } from '../operator/place.ts';
import type { Counted } from './plan.ts';
import { notePrune } from './steps.ts';

/** Who removes: the servers of a data directory, or this process where none runs. */
export interface Hands {
  /** In the audit trail, before anything goes. */
  note(words: Counted & { readonly reason: string }): Promise<void>;
  /** Removes what nobody spares. */
  drop(digests: readonly string[]): Promise<Pruned>;
  end(): Promise<void>;
}

/** Removing a thousand files from a bucket takes a while. Milliseconds. */
const DROP_MS = 15 * 60_000;

/** Watches from now on what servers use; undefined where none runs. */
export async function serversHands({ data }: Pick<Config, 'data'>): Promise<Hands | undefined> {
  const servers = await serversOn(data);
  const [first] = servers;
  if (first === undefined) return undefined;
  const watch = randomUUID();
  const ask = <T>(server: Server, request: PruneRequest, schema: Parameters<typeof server.ask<T>>[2]) =>
    server.ask('prune', request, schema, DROP_MS);
  for (const server of servers) await ask(server, { step: 'begin', watch }, PruneBegun);
  return {
    async note({ reason, files, bytes }) {
      await ask(first, { step: 'note', reason, files, bytes }, PruneNoted);
    },
    async drop(digests) {
      const spared = new Set<string>();
      for (const server of servers)
        for (const sha256 of (await ask(server, { step: 'spared', watch, digests }, PruneSpared)).spared)
          spared.add(sha256);
      const others = digests.filter((sha256) => !spared.has(sha256));
      const dropped = await ask(first, { step: 'drop', watch, digests: others }, PruneDropped);
      return { ...dropped, spared: dropped.spared + spared.size };
    },
    async end() {
      for (const server of servers) await ask(server, { step: 'end', watch }, PruneEnded).catch(() => undefined);
    },
  };
}

/** Of a bucket it has to be found out first who may. */
export async function ownHands(config: Config, { blobs, bucket }: Composition): Promise<Hands> {
  await bucket?.findOut();
  const { pruner } = blobs.pruning;
  const watch = randomUUID();
  pruner.begin(watch);
  return {
    note: (words) => withOperatorPlace(config, (place) => notePrune(place, words)),
    drop: (digests) => pruner.drop(watch, digests),
    async end() {
      pruner.end(watch);
    },
  };
}
