import { createGate } from '../async/gate.ts';
import type { ProvenanceGiven, ProvenanceWork } from '../ports/provenance/work.ts';
import type { Judgement } from '../provenance/judge.ts';
import { LIMITS } from '../provenance/limits.ts';
import { createLane, type LaneOptions } from './lane.ts';
import { PROVENANCE_MS, PROVENANCE_QUEUE } from './limits.ts';
import { ThreadDied } from './thread.ts';

/** Provenance is judged on a thread of its own, one document after the other: clients' before what nobody waits for. */
export function createProvenanceWork(options: LaneOptions = {}): ProvenanceWork & { close(): Promise<void> } {
  const { stepMs = PROVENANCE_MS } = options;
  const gate = createGate({
    places: 1,
    queue: PROVENANCE_QUEUE,
    full: 'Too much provenance is being checked at this moment. Try again in a moment.',
    subject: 'file',
  });
  const lane = createLane(gate, { ...options, stepMs });
  return {
    async judge(given, caller) {
      if (given.bytes.byteLength > LIMITS.provenance) return refused(`it is larger than ${LIMITS.provenance} bytes`);
      const judged = () => lane.run(caller, (call) => call('provenance', copyOf(given)).catch(undefinedOnDeath));
      // A thread may die of something else: what kills two is to blame.
      return (
        (await judged()) ??
        (await judged()) ??
        refused(`checking it took more than ${stepMs / 1000} seconds, or too much memory`)
      );
    },
    close: () => lane.close(),
  };
}

/** What crosses: bytes of its own, however large the memory is that they lie in. */
function copyOf({ bytes, root, ...given }: ProvenanceGiven): ProvenanceGiven {
  return { ...given, bytes: Uint8Array.from(bytes), root: { sha256: root.sha256, bytes: Uint8Array.from(root.bytes) } };
}

function undefinedOnDeath(error: unknown): undefined {
  if (!(error instanceof ThreadDied)) throw error;
}

function refused(why: string): Judgement {
  return { result: 'refused', why };
}
