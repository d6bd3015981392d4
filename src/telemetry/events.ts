import type { Emit, Event, EventName } from '../ports/events.ts';
import { createBudget } from './budget.ts';
import type { Row } from './event-row.ts';
import { EVENTS } from './event-table.ts';
import type { Level, Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Log lines of one kind that clients and upstreams can cause: a flood of refusals must not become a flood of log. */
const BURST = 100;
const PER_SECOND = 10;
/** What was withheld is told after so long, where no further line of its kind has told it. Milliseconds. */
const REST_MS = 60_000;

/** Every event is counted; what an operator wants to read later is logged, each kind within a budget of its own. */
export function createEmit(log: Log, metrics: Metrics, restMs = REST_MS): Emit {
  metrics.watchLog(log.dropped);
  const told = <N extends EventName>(row: Row<Event<N>>, measure?: (event: Event<N>) => void) => {
    const budget = createBudget({ burst: BURST, perSecond: PER_SECOND });
    const count = metrics.counted(row.counter);
    let isTelling = false;
    // Where nothing passes any more, nothing else would say how many there were.
    const tellRest = (level: Level) => {
      isTelling = false;
      const withheld = budget.rest();
      if (withheld > 0) log[level](`${withheld} more lines like these were withheld`, { event: row.word, withheld });
    };
    return (event: Event<N>) => {
      count(event);
      measure?.(event);
      const level = row.level(event);
      if (level === undefined || !log.writes(level)) return;
      const pass = budget.take();
      if (pass === undefined) {
        if (!isTelling) setTimeout(tellRest, restMs, level).unref();
        isTelling = true;
        return metrics.logWithheld();
      }
      const { message, fields } = row.line(event);
      const withheld = pass.withheld > 0 ? { withheld: pass.withheld } : {};
      log[level](message, { ...fields, event: row.word, ...withheld });
    };
  };
  const tell: { readonly [N in EventName]: (event: Event<N>) => void } = {
    rejected: told<'rejected'>(EVENTS.rejected),
    served: told<'served'>(EVENTS.served, metrics.served),
    askedUpstream: told<'askedUpstream'>(EVENTS.askedUpstream, metrics.askedUpstream),
    changed: told<'changed'>(EVENTS.changed),
    stale: told<'stale'>(EVENTS.stale),
    stoodIn: told<'stoodIn'>(EVENTS.stoodIn),
    silence: told<'silence'>(EVENTS.silence),
    hostSilence: told<'hostSilence'>(EVENTS.hostSilence),
    cached: told<'cached'>(EVENTS.cached),
    redis: told<'redis'>(EVENTS.redis),
    askedRedis: told<'askedRedis'>(EVENTS.askedRedis),
    leased: told<'leased'>(EVENTS.leased),
    heard: told<'heard'>(EVENTS.heard),
    peered: told<'peered'>(EVENTS.peered),
    peerAsked: told<'peerAsked'>(EVENTS.peerAsked),
    fleet: told<'fleet'>(EVENTS.fleet),
    refreshed: told<'refreshed'>(EVENTS.refreshed, metrics.refreshed),
    leftOut: told<'leftOut'>(EVENTS.leftOut),
    ruled: told<'ruled'>(EVENTS.ruled),
    sighted: told<'sighted'>(EVENTS.sighted),
    lookedAhead: told<'lookedAhead'>(EVENTS.lookedAhead, metrics.lookedAhead),
    noted: told<'noted'>(EVENTS.noted),
    answered: told<'answered'>(EVENTS.answered, metrics.answered),
    crowded: told<'crowded'>(EVENTS.crowded),
    faulted: told<'faulted'>(EVENTS.faulted),
    queued: told<'queued'>(EVENTS.queued),
    letGo: told<'letGo'>(EVENTS.letGo),
    stateRoom: told<'stateRoom'>(EVENTS.stateRoom),
    condition: told<'condition'>(EVENTS.condition),
    worker: told<'worker'>(EVENTS.worker),
    synced: told<'synced'>(EVENTS.synced),
    gone: told<'gone'>(EVENTS.gone, metrics.gone),
    lookedThrough: told<'lookedThrough'>(EVENTS.lookedThrough),
    provenance: told<'provenance'>(EVENTS.provenance),
    scrubbed: told<'scrubbed'>(EVENTS.scrubbed),
    fetchedAgain: told<'fetchedAgain'>(EVENTS.fetchedAgain),
    reloaded: told<'reloaded'>(EVENTS.reloaded),
  };
  return <N extends EventName>(event: Event<N>) => tell[event.name](event);
}
