import { onTestFinished } from 'vitest';
import { type IndexKeys, SignedIndex } from '../../src/repository/signed-index.ts';
import { createClock, type TestClock } from '../support/clock.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { NOW } from './mirror.ts';
import { type MirrorRig, startMirrorRig } from './mirror-rig.ts';
import { KEYS } from './signed-rig.ts';

/** A replica with a data directory, and an edge of upstream, of its own. */
export interface SignedReplica extends MirrorRig {
  /** Its edge has what upstream has now, and nothing newer; undefined ends it. */
  readonly freeze: (is: boolean) => void;
  /** What it asked its edge for since the last time of asking: URL paths. */
  readonly asked: () => readonly string[];
}

export interface SignedFleet {
  readonly signed: SignedIndex;
  readonly clock: TestClock;
  readonly replica: () => Promise<SignedReplica>;
}

/** One signed index, and replicas beside one Redis. All ends with the test. */
export function signedFleet(
  redis: readonly number[],
  fill: (signed: SignedIndex) => void,
  keys: Partial<IndexKeys> = {},
): SignedFleet {
  const clock = createClock(NOW);
  const signed = new SignedIndex({ keys: { ...KEYS, ...keys }, binBits: 2, pageFormat: 'json', now: clock.now });
  fill(signed);
  signed.publish();
  const root = pep458Paths(signed.repository.files).get('metadata/1.root.json');
  if (root === undefined) throw new Error('nothing was published');
  const replica = async (): Promise<SignedReplica> => {
    let frozen: ReadonlyMap<string, Uint8Array> | undefined;
    const files = { get: (path: string) => pep458Paths(frozen ?? signed.repository.files).get(path) };
    const rig = await startMirrorRig({ clock, files, root, redis });
    onTestFinished(() => rig.close());
    let seen = 0;
    return {
      ...rig,
      freeze(is) {
        frozen = is ? new Map(signed.repository.files) : undefined;
      },
      asked() {
        const since = rig.upstream.requests.slice(seen).map(({ url }) => url);
        seen += since.length;
        return since;
      },
    };
  };
  return { signed, clock, replica };
}
