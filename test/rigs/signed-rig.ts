import type { TrustStore } from '../../src/ports/trust/trust-store.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import type { Edits } from '../../src/repository/repository.ts';
import { SignedIndex, type SignedIndexOptions } from '../../src/repository/signed-index.ts';
import { createClock } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { pep458Paths } from '../support/pep458-paths.ts';
import { withState } from '../support/state.ts';
import { NOW } from './mirror.ts';
import { type MirrorRig, type MirrorRigOptions, startMirrorRig } from './mirror-rig.ts';

export interface SignedRig extends MirrorRig {
  readonly signed: SignedIndex;
  /** Upstream's bytes at a URL path as they are published now. Throws where there are none. */
  readonly published: (path: string) => Uint8Array;
  /** Everything upstream has now, to be replayed. */
  readonly save: () => ReadonlyMap<string, Uint8Array>;
  /** Upstream answers from a saved state from now on; undefined ends it. */
  readonly replay: (saved: ReadonlyMap<string, Uint8Array> | undefined) => void;
  /** Upstream answers this URL path with other bytes, or none; `heal` ends it. */
  readonly instead: (path: string, bytes: Uint8Array | undefined) => void;
  readonly heal: () => void;
  /** Publishes as upstream does, and lets the mirror notice: a minute later it asks again. */
  readonly publish: (edits?: Edits) => Promise<void>;
  /** Signs a page other than the one the uploads make. */
  readonly signPage: (project: string, bytes: Uint8Array) => void;
  /** Where upstream stores the page published now, and a file: paths with a leading slash. */
  readonly storedPage: (project: string) => string;
  readonly storedFile: (file: IndexFile) => string;
  /** Where the mirror serves a file. */
  readonly path: (file: IndexFile) => string;
  /** What another process may do to the trust in the data directory, while the mirror runs. */
  readonly onTrust: <T>(work: (trust: TrustStore) => Promise<T>) => Promise<T>;
}

export interface SignedRigOptions
  extends Partial<Omit<SignedIndexOptions, 'now'>>,
    Partial<Omit<MirrorRigOptions, 'files' | 'root'>> {
  /** Uploads before the first publication. */
  readonly fill?: (signed: SignedIndex) => void;
}

/** Keys of the index a rig signs: the online one signs timestamp, snapshot and bins. */
export const KEYS = {
  root: authority(['root 1', 'root 2']),
  targets: authority(['targets 1', 'targets 2']),
  bins: authority(['bins']),
  online: authority(['online']),
};

/** A mirror of an index signed as PEP 458 or 480 say, published once. */
export async function startSignedRig(options: SignedRigOptions = {}): Promise<SignedRig> {
  const { clock = createClock(NOW), fill } = options;
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', ...options, now: clock.now });
  const { repository } = signed;
  fill?.(signed);
  signed.publish();
  let replayed: ReadonlyMap<string, Uint8Array> | undefined;
  const replaced = new Map<string, Uint8Array | undefined>();
  const served = (path: string) =>
    replaced.has(path) ? replaced.get(path) : pep458Paths(replayed ?? repository.files).get(path);
  const published = (path: string) => {
    const bytes = pep458Paths(repository.files).get(path);
    if (bytes === undefined) throw new Error(`upstream has no ${path}`);
    return bytes;
  };
  const hashed = (target: string) => {
    const hashes = [...repository.roles.values()].map(
      ({ targets }) => targets.get(target)?.hashes.values().next().value,
    );
    const slash = target.lastIndexOf('/') + 1;
    return `/${target.slice(0, slash)}${hashes.find((hash) => hash !== undefined)}.${target.slice(slash)}`;
  };
  const root = published('metadata/1.root.json');
  const rig = await startMirrorRig({ ...options, clock, files: { get: served }, root });
  return {
    ...rig,
    signed,
    published,
    save: () => new Map(repository.files),
    replay: (saved) => {
      replayed = saved;
    },
    instead: (path, bytes) => void replaced.set(path, bytes),
    heal() {
      replaced.clear();
      replayed = undefined;
      rig.upstream.heal();
    },
    async publish(edits) {
      signed.publish(edits);
      clock.advance(60);
      await rig.refresh();
    },
    signPage(project, bytes) {
      const path = signed.pagePath(project);
      repository.addTarget(signed.roleFor(project, path), path, bytes);
    },
    storedPage: (project) => hashed(signed.pagePath(project)),
    storedFile: (file) => hashed(signed.filePath(file)),
    path: (file) => `/${signed.filePath(file)}`,
    onTrust: (work) => withState(rig.data(), ({ trust }) => work(trust)),
  };
}
