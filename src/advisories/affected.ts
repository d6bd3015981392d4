import { compareVersions, parseVersion, type Version } from '../pypi/requirement/version.ts';
import { versionKey } from '../pypi/versions.ts';
import type { Affected, Bound } from './record.ts';

// Whether an advisory speaks of a version: https://ossf.github.io/osv-schema/#evaluation, with PEP 440's order.

/** True for a version that is meant; of what is no version, where that cannot be ruled out. */
export type Affects = (version: string) => boolean;

/** A bound that is ready to be compared. Without a version it stands before all. */
interface Point {
  readonly kind: Bound[0];
  readonly version: Version | undefined;
}

/** Where several are at one version: what was fixed there may have come back there, and the last one affected is affected. */
const ORDER = { fixed: 0, introduced: 1, last_affected: 2, limit: 3 } as const;

export function affects({ versions, ranges, all }: Pick<Affected, 'versions' | 'ranges' | 'all'>): Affects {
  if (all) return () => true;
  const listed = new Set(versions);
  const within = ranges.map(withinRange);
  return (version) => {
    if (listed.has(versionKey(version))) return true;
    const parsed = parseVersion(version);
    return within.some((each) => each(parsed));
  };
}

/** The versions that are stated to fix what the advisory tells of, each in the spelling of `versionKey`. */
export function fixedIn(ranges: Affected['ranges']): ReadonlySet<string> {
  return new Set(ranges.flat().flatMap(([kind, version]) => (kind === 'fixed' ? [versionKey(version)] : [])));
}

function withinRange(bounds: readonly Bound[]): (version: Version | undefined) => boolean {
  const points = bounds.flatMap(pointOf).sort(inOrder);
  const limits = bounds.flatMap(([kind, limit]) => (kind === 'limit' && limit !== '*' ? [parseVersion(limit)] : []));
  const isUnlimited = !bounds.some(([kind]) => kind === 'limit') || bounds.some(([, limit]) => limit === '*');
  return (version) => {
    const isBefore = (limit: Version | undefined) =>
      version === undefined || limit === undefined || compareVersions(version, limit) < 0;
    if (!isUnlimited && !limits.some(isBefore)) return false;
    let within = false;
    for (const { kind, version: bound } of points) {
      // What is no version counts as the first of all, and as fixed by none.
      const order = bound === undefined ? 1 : version === undefined ? -1 : compareVersions(version, bound);
      if (kind === 'introduced') within ||= order >= 0;
      else if (kind === 'fixed' ? order >= 0 : order > 0) within = false;
    }
    return within;
  };
}

/** `0` is before every version, and so is what begins at none that can be read. An end that cannot be read is none. */
function pointOf([kind, text]: Bound): readonly Point[] {
  if (kind === 'limit') return [];
  const version = kind === 'introduced' && text === '0' ? undefined : parseVersion(text);
  return version === undefined && kind !== 'introduced' ? [] : [{ kind, version }];
}

function inOrder(one: Point, other: Point): number {
  if (one.version === undefined || other.version === undefined)
    return Number(one.version !== undefined) - Number(other.version !== undefined);
  return compareVersions(one.version, other.version) || ORDER[one.kind] - ORDER[other.kind];
}
