import type { Emit, Event, EventName } from '../../src/ports/events.ts';

/** What was told to log and metrics, by name and in order. */
export type Recorded = { readonly [N in EventName]: Event<N>[] };

export function createRecorder(): { readonly events: Recorded; readonly emit: Emit } {
  const events: Recorded = {
    rejected: [],
    served: [],
    askedUpstream: [],
    changed: [],
    stale: [],
    stoodIn: [],
    silence: [],
    hostSilence: [],
    cached: [],
    redis: [],
    askedRedis: [],
    leased: [],
    heard: [],
    peered: [],
    peerAsked: [],
    fleet: [],
    refreshed: [],
    leftOut: [],
    sighted: [],
    lookedAhead: [],
    noted: [],
    answered: [],
    crowded: [],
    faulted: [],
    queued: [],
    letGo: [],
    stateRoom: [],
    condition: [],
    worker: [],
    synced: [],
    gone: [],
    lookedThrough: [],
    provenance: [],
    scrubbed: [],
    fetchedAgain: [],
    reloaded: [],
    ruled: [],
  };
  const keep = <N extends EventName>(event: Event<N>) => events[event.name].push(event);
  return { events, emit: (event) => void keep(event) };
}
