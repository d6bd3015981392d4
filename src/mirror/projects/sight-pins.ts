import type { Clock } from '../../ports/clock.ts';
import type { Pin, Pins } from '../../ports/index-state.ts';
import { sightPin } from './pin-states.ts';

/** What is remembered of files that nobody states a digest of. */
export interface SightPins {
  of(project: string): Promise<ReadonlyMap<string, Pin>>;
  /**
   * The first sight of a file, durably, and what its pin then is: whoever was quicker to pin it decides. Throws Refusal
   * `limit` where no more are remembered.
   */
  see(project: string, filename: string, sha256: string): Promise<Pin>;
  /** The same of files that a signed manifest names, by name; a pin that is there stays. */
  seeAll(project: string, sha256s: ReadonlyMap<string, string>): Promise<void>;
}

export function createSightPins({ pins, clock }: { readonly pins: Pins; readonly clock: Clock }): SightPins {
  return {
    of: (project) => pins.of(project),
    async see(project, filename, sha256) {
      const pin = sightPin(sha256, clock.now());
      return (await pins.add(project, new Map([[filename, pin]]))).get(filename) ?? pin;
    },
    async seeAll(project, sha256s) {
      const now = clock.now();
      await pins.add(project, new Map([...sha256s].map(([filename, sha256]) => [filename, sightPin(sha256, now)])));
    },
  };
}
