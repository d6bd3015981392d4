import type { HealthView } from '../../web/health.ts';
import type { HomeView } from '../../web/home.ts';
import type { Finding } from '../health/verdict.ts';
import { isToldBy, troubleOf } from './verdict.ts';

/** The same as `/health` says, of what the first page knows. */
export function healthView(known: HomeView, findings: readonly Finding[]): HealthView {
  const { now, version, startedAt, troubles, indexes } = known;
  return {
    now,
    version,
    startedAt,
    holds: findings.length === 0,
    findings: findings.map(troubleOf),
    besides: troubles.filter((trouble) => !findings.some((finding) => isToldBy(trouble, finding))),
    indexes: indexes.map(({ name, evidence, confirmed, silent, carried }) => ({
      name,
      evidence,
      confirmed,
      silent,
      carried,
      holds: findings.every(({ index }) => index !== name),
    })),
  };
}
