import { type Reason, Refusal } from '../../bytes/refusal.ts';
import { isFinal } from './remembered.ts';
import type { Reports } from './reports.ts';

/** Upstream could not be had, rather than what it said could not be believed. */
const AWAY: ReadonlySet<Reason> = new Set(['unreachable', 'slow', 'truncated', 'offline']);

function isAway(error: unknown): boolean {
  return error instanceof Refusal && (AWAY.has(error.reason) || (error.reason === 'limit' && error.transient));
}

/** For people: a document is known by its project's name, and the list has none. */
export function nameOf(name: string): string {
  return name === '' ? 'the project list' : name;
}

/** Tells that what is held stands in, where that or why is new. `before`: what the last time of asking ended with. */
export function standsIn(reports: Pick<Reports, 'stale'>, name: string, before: unknown, error: unknown): void {
  if (before !== undefined && !isFinal(before) && isAway(before) === isAway(error)) return;
  const why = error instanceof Error ? error.message : String(error);
  if (isAway(error))
    reports.stale(
      'away',
      nameOf(name),
      `what is held is served as long as it may be, because upstream cannot be had: ${why}`,
    );
  else
    reports.stale(
      'refused',
      nameOf(name),
      `what is held is served as long as it may be, because what upstream says now is refused: ${why}`,
    );
}

export function standsInNoMore(reports: Pick<Reports, 'stale'>, name: string): void {
  reports.stale('over', nameOf(name), "upstream's word is served again");
}
