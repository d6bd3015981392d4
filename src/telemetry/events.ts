import type { Events } from '../ports/events.ts';
import { type Budget, createBudget } from './bound.ts';
import type { Fields, Level, Log } from './log.ts';
import type { FinishedRequest, Metrics } from './metrics.ts';

/** Log lines that clients and upstreams can cause: a flood of refusals must not become a flood of log. */
const BURST = 100;
const PER_SECOND = 10;

/** The mirror's events, each one counted; those an operator wants to read later, logged within a budget. */
export function createEvents(
  log: Log,
  metrics: Metrics,
  budget: Budget = createBudget({ burst: BURST, perSecond: PER_SECOND }),
): Events {
  metrics.watchLog(log.dropped);
  const line = (level: Level, message: string, fields: Fields) => {
    const pass = budget.take();
    if (pass === undefined) return metrics.logWithheld();
    log[level](message, pass.withheld > 0 ? { ...fields, withheld: pass.withheld } : fields);
  };
  return {
    rejected({ index, reason, subject, name, message, at }) {
      metrics.rejected(index, reason, subject, at);
      // What a client asked for amiss is its own affair; what upstream or the disk handed us is the operator's.
      line(at === 'client' ? 'info' : 'warn', `refused: ${message}`, {
        event: 'rejected',
        index,
        reason,
        subject,
        name,
        at,
      });
    },
    served({ index, kind, how }) {
      metrics.served(index, kind, how);
    },
    refreshed(event) {
      metrics.refreshed(event);
      const { index, result, seconds } = event;
      const fields = {
        event: 'refreshed',
        index,
        result,
        seconds: Math.round(seconds * 1000) / 1000,
        timestamp: event.versions?.get('timestamp'),
      };
      if (result === 'failed')
        line('warn', 'a refresh failed; what was proved before is served as long as it may be', fields);
      else line(result === 'changed' ? 'info' : 'debug', `refreshed: ${result}`, fields);
    },
    note({ index, message, detail = {} }) {
      line('info', message, { ...detail, event: 'note', index });
    },
  };
}

/** Each answered request: counted; written to the log at level `debug`, within a budget. */
export function createRequestRecord(
  log: Log,
  metrics: Metrics,
  budget: Budget = createBudget({ burst: BURST, perSecond: PER_SECOND }),
): (finished: FinishedRequest & { readonly path: string }) => void {
  if (!log.writes('debug')) return metrics.request;
  return (finished) => {
    metrics.request(finished);
    if (budget.take() === undefined) return;
    const { route, method, status, reason, bytes, aborted, path } = finished;
    const seconds = Math.round(finished.seconds * 1000) / 1000;
    log.debug(`${method} ${path} ${status}`, { event: 'request', route, reason, seconds, bytes, aborted });
  };
}
