import type { Algorithm } from '../../src/bytes/digest.ts';
import { Repository } from '../../src/repository/repository.ts';
import { authority, heldBy, kinds } from '../support/keys.ts';
import { now } from '../support/rig.ts';

export const DELEGATIONS = ['paths', 'hashed bins', 'succinct bins'] as const;
export type Delegating = (typeof DELEGATIONS)[number];

export interface Shape {
  readonly delegating: Delegating;
  readonly consistent: boolean;
  readonly targetHashes?: readonly Algorithm[];
  readonly metaHashes?: readonly Algorithm[];
  /** `common`: what every client knows; by default one of each kind. */
  readonly keys?: 'common';
}

/** What every client can spell: folders, and names that a URL writes otherwise. */
export const TARGETS: ReadonlyMap<string, Uint8Array> = new Map(
  ['top.txt', 'dir/leaf.txt', 'dir/deep/er/leaf.bin', 'dir/a name.txt', 'dir/é+!.txt'].map((path, i) => [
    path,
    Buffer.from(`${i} `.repeat(5000 * i + 1)),
  ]),
);
export const ABSENT = 'dir/nobody lists this.txt';

/** A small repository with two root rotations, keys of every kind and targets one delegation down. */
export function buildRepository({ delegating, consistent, keys, ...hashes }: Shape): Repository {
  const repository = new Repository({
    authorities: {
      root: authority(['root 1', 'root 2']),
      targets: heldBy(kindsOf('rsassa-pss-sha256', keys === 'common' ? 'ecdsa P-256 PEM' : 'ecdsa P-384 PEM')),
      snapshot: authority(['old snapshot']),
      timestamp: authority(['timestamp']),
    },
    now,
    consistent,
    ...hashes,
  });
  const online = heldBy(kindsOf('ecdsa P-256 PEM', 'ed25519'), 2);
  const everything = ['*', '*/*', '*/*/*', '*/*/*/*'];
  const roleOf = (): ((path: string) => string) => {
    if (delegating === 'paths') {
      // A dot and a digit first: names that clients have mistaken for versions.
      repository.delegate('targets', { name: '1.top', authority: online, paths: ['*'] });
      repository.delegate('targets', { name: 'rest', authority: online, paths: everything });
      repository.delegate('rest', { name: 'deep', authority: online, paths: ['dir/deep/*/*'], terminating: true });
      return (path) => (!path.includes('/') ? '1.top' : path.startsWith('dir/deep/') ? 'deep' : 'rest');
    }
    repository.delegate('targets', { name: 'bins', authority: online, paths: everything });
    const make = delegating === 'hashed bins' ? 'delegateBins' : 'delegateSuccinct';
    return repository[make]('bins', 'bin', 3, online).binOf;
  };
  const binOf = roleOf();
  for (const [path, bytes] of TARGETS) repository.addTarget(binOf(path), path, bytes);
  repository.publish();
  repository.rotate('snapshot', authority(['snapshot']));
  repository.publish();
  repository.rotate('root', authority(['root 1', 'root 3']));
  repository.publish();
  return repository;
}

function kindsOf(...names: readonly string[]) {
  return names.map((name) => {
    const make = kinds[name];
    if (make === undefined) throw new Error(`no key of kind ${name}`);
    return make();
  });
}
