import { instantText } from '../../bytes/instant.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Standing } from '../../state/fleet/follower.ts';

/** Where this replica cannot say what the others believe. */
export function fleetConditions(standings: readonly Standing[]): readonly Condition[] {
  return standings.flatMap(({ index, alone }): readonly Condition[] => {
    if (alone === undefined) return [];
    const since = instantText(Math.floor(alone.since / 1000));
    const message = `This replica stands alone since ${since}: what it holds is served, and never less than it served before; others may serve newer. ${alone.refusal.message} (fleet.state)`;
    return [{ what: 'partitioned', index, thing: '', message }];
  });
}
