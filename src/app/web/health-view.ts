import type { HealthView } from '../../web/health.ts';
import type { Look } from '../health/health.ts';

/** The same as `/health` says to a monitor. */
export function healthView(
  { facts: { now, indexes }, verdict: { holds, troubles } }: Look,
  { version, startedAt }: Pick<HealthView, 'version' | 'startedAt'>,
): HealthView {
  return {
    now,
    version,
    startedAt,
    holds,
    findings: troubles.filter(({ breaks }) => breaks),
    besides: troubles.filter(({ breaks }) => !breaks),
    indexes: indexes.map(({ name, evidence, lastRefresh, silent, carried }) => ({
      name,
      evidence,
      confirmed: lastRefresh,
      silent,
      carried: carried?.label,
      holds: !troubles.some(({ breaks, index }) => breaks && index === name),
    })),
  };
}
