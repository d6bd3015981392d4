import { Refusal, type Subject } from '../../bytes/refusal.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Events } from '../../ports/events.ts';
import type { Journal } from '../../ports/records.ts';
import type { Change } from '../../pypi/changes.ts';

type Served = Parameters<Events['served']>[0];

/** What one index has to say to its operator: counted, logged, written down. Never throws. */
export interface Reports {
  /** A refusal, once, however often it is thrown again; any other error becomes a note. */
  refused(
    about: { readonly subject: Subject; readonly name: string; readonly at?: 'upstream' | 'disk' },
    error: unknown,
  ): void;
  /** One round of asking upstream came to an end. */
  refreshed(event: Omit<Parameters<Events['refreshed']>[0], 'index'>): void;
  noted(message: string, detail?: Readonly<Record<string, string | number>>): void;
  /** What upstream took away or changed, and was believed. */
  changed(project: string, change: Change): void;
  /** One answer to a client. */
  served(kind: Served['kind'], how: Served['how']): void;
}

interface ReportsOptions {
  readonly index: string;
  readonly events: Events;
  readonly journal: Journal;
  readonly clock: Clock;
}

export function createReports({ index, events, journal, clock }: ReportsOptions): Reports {
  const told = new WeakSet<Error>();
  return {
    refused({ subject, name, at = 'upstream' }, error) {
      if (!(error instanceof Refusal))
        return events.note({ index, message: 'a request failed', detail: { name, error: String(error) } });
      if (told.has(error)) return;
      told.add(error);
      const { reason, message } = error;
      events.rejected({ index, reason, subject, name, message, at });
    },
    refreshed: (event) => events.refreshed({ index, ...event }),
    noted: (message, detail) => events.note({ index, message, detail }),
    changed: (project, change) => journal.note({ at: clock.now(), index, project, ...change }),
    served: (kind, how) => events.served({ index, kind, how }),
  };
}
