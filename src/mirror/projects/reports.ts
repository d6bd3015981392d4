import { BoundedMap } from '../../bytes/bounded-map.ts';
import { Refusal, type Subject } from '../../bytes/refusal.ts';
import { StorageError } from '../../ports/blob-storage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit, Event, LookKind, LookResult } from '../../ports/events.ts';
import type { Journal } from '../../ports/records.ts';
import { Stopping } from '../../ports/upstream.ts';
import type { Change } from '../../pypi/changes.ts';

/** Refusals remembered as written down; forgetting costs one more line. */
const MOST_HELD_BACK = 10_000;

type Served = Event<'served'>;
type Stale = Event<'stale'>;

/** What one index has to say to its operator: counted, logged, written down. Never throws. */
export interface Reports {
  /** A refusal, once, however often it is thrown again; any other error becomes a note. */
  refused(
    about: { readonly subject: Subject; readonly name: string; readonly at?: 'upstream' | 'disk' },
    error: unknown,
  ): void;
  /** One round of asking upstream came to an end. */
  refreshed(event: Omit<Event<'refreshed'>, 'name' | 'index'>): void;
  noted(message: string, detail?: Readonly<Record<string, string | number>>): void;
  /** What upstream took away or changed, and was believed. */
  changed(project: string, change: Change): void;
  /** The same of all that one page took away or changed; `seconds` since upstream stood by the one before it. */
  changes(project: string, changes: readonly Change[], seconds: number): void;
  /** What upstream offered is gone here. `seconds`: at most so long after it was taken away. */
  gone(project: string, gone: Pick<Event<'gone'>, 'kind' | 'files' | 'seconds'>): void;
  /** What upstream says and is not believed, once a change: an operator may let it through. `reason` is the refusal's. */
  heldBack(project: string, change: Omit<Change, 'kind'>): void;
  /** What is held stands in from now on, and why; or no longer. */
  stale(state: Stale['state'], thing: string, message: string): void;
  /** Upstream is waited for no longer, or answers again. */
  silence(silent: boolean): void;
  /** One answer to a client with something older, because upstream's word could not be had. */
  stoodIn(kind: Event<'stoodIn'>['kind']): void;
  /** What became of a look at something that no client had asked for. */
  lookedAhead(kind: LookKind, result: LookResult, bytes: number): void;
  /** One answer to a client, and how long it waited until that was at hand. */
  served(kind: Served['kind'], how: Served['how'], seconds: number): void;
}

interface ReportsOptions {
  readonly index: string;
  readonly emit: Emit;
  readonly journal: Journal;
  readonly clock: Clock;
  /** True where what upstream removed, and is held, is served on by its address. */
  readonly servesRemoved?: boolean | undefined;
}

export function createReports({ index, emit, journal, clock, servesRemoved = false }: ReportsOptions): Reports {
  const told = new WeakSet<Error>();
  const held = new BoundedMap<true>({ entries: MOST_HELD_BACK });
  const note = (project: string, change: Change) => {
    journal.note({ at: clock.now(), index, project, ...change });
    emit({ name: 'changed', index, project, kind: change.kind });
  };
  const gone: Reports['gone'] = (project, { kind, files, seconds }) => {
    const servedOn = servesRemoved && kind !== 'quarantined';
    emit({ name: 'gone', index, project, kind, files, seconds: Math.max(0, seconds), servedOn });
  };
  return {
    refused({ subject, name, at = 'upstream' }, error) {
      if (!(error instanceof Refusal))
        return emit({ name: 'noted', index, message: 'a request failed', detail: { name, error: String(error) } });
      if (told.has(error) || error instanceof Stopping || error.cause instanceof Stopping) return;
      told.add(error);
      const { reason, message, cause } = error;
      // What could not be kept here says nothing of whoever sent it.
      const from = cause instanceof StorageError ? 'disk' : at;
      emit({ name: 'rejected', index, reason, subject, thing: name, message, at: from });
    },
    refreshed: (event) => emit({ name: 'refreshed', index, ...event }),
    noted: (message, detail) => emit({ name: 'noted', index, message, detail }),
    changed: note,
    changes(project, changes, seconds) {
      for (const change of changes) note(project, change);
      const of = (kind: Change['kind']) => changes.filter((change) => change.kind === kind);
      const [removed, quarantined] = [of('removed'), of('quarantined')];
      const isWhole = removed.some(({ file, after }) => file === undefined && after === undefined);
      const kind = quarantined.length > 0 ? 'quarantined' : isWhole ? 'project' : 'files';
      const files = removed.filter(({ file }) => file !== undefined).length;
      if (quarantined.length > 0 || removed.length > 0) gone(project, { kind, files, seconds });
    },
    gone,
    heldBack(project, change) {
      const { file = '', reason = '', before = '', after = '' } = change;
      // An older page grows older serials' successors: what it is held to tells one refusal from the next.
      const key = [project, file, reason, before, file === '' ? '' : after].join('\0');
      if (held.has(key)) return;
      held.set(key, true);
      note(project, { ...change, kind: 'refused' });
    },
    stale: (state, thing, message) => emit({ name: 'stale', index, state, thing, message }),
    silence: (silent) => emit({ name: 'silence', index, silent }),
    stoodIn: (kind) => emit({ name: 'stoodIn', index, kind }),
    lookedAhead: (kind, result, bytes) => emit({ name: 'lookedAhead', index, kind, result, bytes }),
    served: (kind, how, seconds) => emit({ name: 'served', index, kind, how, seconds }),
  };
}
