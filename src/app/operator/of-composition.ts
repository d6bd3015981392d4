import { Refusal } from '../../bytes/refusal.ts';
import { RefusingIndex } from '../../mirror/refusing-index.ts';
import type { Composition } from '../compose.ts';
import type { OperatorPlace } from './place.ts';

type OperatorParts = Pick<OperatorPlace, 'config' | 'journal' | 'storage'> &
  Pick<Composition, 'blobs' | 'clock' | 'indexes' | 'states' | 'policyFiles'>;

/** What operators act on, of a mirror that is composed. */
export function operatorOn({ blobs, clock, indexes, states, policyFiles, ...place }: OperatorParts): OperatorPlace {
  return {
    ...place,
    async state(name) {
      const state = states.get(name);
      if (state !== undefined) return state;
      const index = indexes.find((each) => each.name === name);
      throw index instanceof RefusingIndex
        ? index.refusal
        : new Refusal('unlisted', `No index called ${name} is configured.`, { subject: 'request' });
    },
    inForce: (index) => policyFiles.current(index),
    forget: (sha256) => blobs.forget(sha256),
    now: () => clock.now(),
  };
}
