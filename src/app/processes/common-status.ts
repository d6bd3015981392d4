import type { LiveStatus } from '../control/status-answer.ts';

type Report = LiveStatus['report'];
type Server = LiveStatus['server'];
type Queue = Server['queues'][number];
type Index = Report['indexes'][number];

/** What the supervisor knows itself. */
export type Supervising = Pick<Server, 'pid' | 'version' | 'startedAt' | 'workers'> & {
  /** Connections that no worker has yet, and those that were refused before any had them. */
  readonly connections: { readonly waiting: number; readonly refused: number };
};

/** The status of several processes on one data directory, as of one server. */
export function commonStatus(
  [first, ...others]: readonly [LiveStatus, ...LiveStatus[]],
  { pid, version, startedAt, workers, connections }: Supervising,
): LiveStatus {
  const all = [first, ...others];
  const sum = (of: (server: Server) => number) => all.reduce((total, { server }) => total + of(server), 0);
  return {
    report: commonReport(
      first.report,
      others.map(({ report }) => report),
    ),
    server: {
      pid,
      version,
      startedAt,
      workers,
      connections: {
        open: sum((server) => server.connections.open) + connections.waiting,
        limit: sum((server) => server.connections.limit),
        refused: sum((server) => server.connections.refused) + connections.refused,
      },
      // One of them does what is due.
      syncs: all.find(({ server }) => (server.syncs?.length ?? 0) > 0)?.server.syncs,
      queues: commonQueues(all.flatMap(({ server }) => server.queues)),
    },
  };
}

function commonReport(first: Report, others: readonly Report[]): Report {
  const most = (of: (report: Report) => number) => Math.max(of(first), ...others.map(of));
  const conditions = [first, ...others].flatMap((report) => report.conditions);
  return {
    ...first,
    indexes: first.indexes.map((index) =>
      commonIndex(
        index,
        others.flatMap(({ indexes }) => indexes.filter(({ name }) => name === index.name)),
      ),
    ),
    // All hold the same; one that began just now has not seen all of it.
    store: { ...first.store, bytes: most(({ store }) => store.bytes), blobs: most(({ store }) => store.blobs) },
    conditions: [
      ...new Map(conditions.map((each) => [JSON.stringify([each.what, each.index, each.thing]), each])).values(),
    ],
  };
}

/** Whoever heard of upstream last speaks for all. */
function commonIndex(index: Index, others: readonly Index[]): Index {
  const all = [index, ...others];
  const lastRefresh = all.reduce<number | undefined>(
    (latest, { lastRefresh: at }) => (at === undefined || (latest ?? 0) > at ? latest : at),
    undefined,
  );
  const lastError = all
    .flatMap(({ lastError: error }) => error ?? [])
    .filter(({ at }) => at >= (lastRefresh ?? 0))
    .toSorted((a, b) => b.at - a.at)[0];
  return { ...index, lastRefresh, lastError, silent: all.some(({ silent }) => silent) };
}

function commonQueues(queues: readonly Queue[]): readonly Queue[] {
  const common = new Map<string, Queue>();
  for (const queue of queues) {
    const name = JSON.stringify([queue.queue, queue.index]);
    const { places = 0, busy = 0, waiting = 0, refused = 0 } = common.get(name) ?? {};
    common.set(name, {
      ...queue,
      places: queue.places + places,
      busy: queue.busy + busy,
      waiting: queue.waiting + waiting,
      refused: queue.refused + refused,
    });
  }
  return [...common.values()];
}
