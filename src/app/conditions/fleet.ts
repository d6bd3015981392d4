import { instantText } from '../../bytes/instant.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { FleetStanding } from '../fleet/fleet.ts';
import type { FleetPeers } from '../fleet/peer-files.ts';

/** Where this replica cannot say what the others believe, or could not cut the log that they share. */
export function fleetConditions(standings: readonly FleetStanding[]): readonly Condition[] {
  return standings.flatMap(({ index, alone, notCut }): readonly Condition[] => {
    const conditions: Condition[] = [];
    if (alone !== undefined) {
      const since = instantText(Math.floor(alone.since / 1000));
      const message = `This replica stands alone since ${since}: what it holds is served, and never less than it served before; others may serve newer. ${alone.refusal.message} (fleet.state)`;
      conditions.push({ what: 'partitioned', index, thing: '', message });
    }
    if (notCut !== undefined) {
      const message = `The log of the fleet was not cut when it was this replica's turn, and grows until another does it: ${notCut} (fleet.state)`;
      conditions.push({ what: 'fleet-grows', index, thing: '', message });
    }
    return conditions;
  });
}

/** Where files are not had from a replica that they might be had from. */
export function peerConditions(troubles: FleetPeers['troubles']): readonly Condition[] {
  return troubles.map(({ peer, why }) => ({
    what: 'peer',
    index: '',
    thing: peer,
    message: `Files are not had from the replica at ${peer}, and upstream is asked instead: ${why} (fleet.peers)`,
  }));
}
