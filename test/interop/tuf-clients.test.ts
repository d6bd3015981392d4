import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Repository } from '../../src/repository/repository.ts';
import { pythonTuf } from '../support/environments.ts';
import { requirePart } from '../support/python.ts';
import { type Rig, serveRepository } from '../support/rig.ts';
import type { RunningVerbatim } from '../support/verbatim.ts';
import { ABSENT, buildRepository, DELEGATIONS, type Shape, TARGETS } from './repositories.ts';
import { pythonTufClient, tufJsClient } from './tuf-clients.ts';
import { equal, expectUpstreamsBytes } from './upstreams-bytes.ts';

const bin = await pythonTuf();
const clients = [
  { name: 'python-tuf', client: bin === undefined ? undefined : pythonTufClient(bin) },
  { name: 'tuf-js', client: tufJsClient },
];

/** tuf-js knows no BLAKE2b. */
const SHAPES: readonly (Shape & { readonly only?: string })[] = [
  ...DELEGATIONS.flatMap((delegating) =>
    [true, false].map((consistent): Shape => ({ delegating, consistent, targetHashes: ['sha512', 'sha256'] })),
  ),
  { delegating: 'hashed bins', consistent: true, metaHashes: ['sha256'] },
  { delegating: 'hashed bins', consistent: true, targetHashes: ['blake2b-256'], only: 'python-tuf' },
];

const spelled = ({ delegating, consistent, targetHashes = ['sha256'], metaHashes = [] }: Shape) =>
  `${delegating}, ${consistent ? 'consistent' : 'not consistent'}, ${targetHashes.join(' and ')}${metaHashes.length > 0 ? ', snapshots with hashes' : ''}`;

for (const shape of SHAPES) {
  describe(spelled(shape), () => {
    let repository: Repository;
    let rig: Omit<Rig, 'index'>;
    let mirror: RunningVerbatim;
    beforeAll(async () => {
      repository = buildRepository(shape);
      rig = await serveRepository(repository);
      mirror = await rig.mirror();
    });
    afterAll(() => rig.close());

    for (const { name, client } of clients) {
      if (shape.only !== undefined && shape.only !== name) continue;
      it.runIf(requirePart(name, client))(`${name} finds every target, and every byte is upstream's`, async () => {
        if (client === undefined) return;
        const asked = {
          root: rig.root,
          metadataUrl: mirror.metadata,
          targetsUrl: mirror.targets,
          directory: await mkdtemp(join(rig.directory, 'client-')),
          targets: [...TARGETS.keys(), ABSENT],
        };
        const outcome = await client(asked);
        for (const [path, bytes] of TARGETS) expect(equal(outcome.targets.get(path), bytes), path).toBe(true);
        expect(outcome.targets.get(ABSENT)).toBeUndefined();
        expectUpstreamsBytes(outcome, mirror, repository);
        expect(outcome.fetched.filter(({ status }) => status !== 200).map(({ url }) => url)).toEqual([
          `${mirror.metadata}4.root.json`,
        ]);
      });

      if (!shape.consistent) continue;
      it.runIf(requirePart(name, client))(`${name} may ask for plain target names`, async () => {
        if (client === undefined) return;
        const outcome = await client({
          root: rig.root,
          metadataUrl: mirror.metadata,
          targetsUrl: mirror.targets,
          directory: await mkdtemp(join(rig.directory, 'client-')),
          targets: [...TARGETS.keys()],
          prefix: false,
        });
        for (const [path, bytes] of TARGETS) expect(equal(outcome.targets.get(path), bytes), path).toBe(true);
      });
    }
  });
}

describe.each(clients)('$name', ({ name, client }) => {
  it.runIf(requirePart(name, client))('goes on from its own state when upstream published again', async () => {
    if (client === undefined) return;
    const repository = buildRepository({ delegating: 'paths', consistent: true });
    const rig = await serveRepository(repository);
    onTestFinished(rig.close);
    const directory = await mkdtemp(join(rig.directory, 'client-'));
    const visit = async (targets: readonly string[]) => {
      const { metadata: metadataUrl, targets: targetsUrl } = await rig.mirror();
      const outcome = await client({ root: rig.root, metadataUrl, targetsUrl, directory, targets });
      expectUpstreamsBytes(outcome, { metadata: metadataUrl, targets: targetsUrl }, repository);
      return outcome;
    };
    await visit(['dir/leaf.txt']);
    const bytes = Buffer.from('something newer');
    repository.addTarget('rest', 'dir/new.txt', bytes);
    repository.publishRoot();
    repository.publish();
    const { targets, cache } = await visit(['dir/new.txt', 'dir/leaf.txt']);
    expect(equal(targets.get('dir/new.txt'), bytes)).toBe(true);
    expect(equal(cache.get('snapshot.json'), repository.files.get('metadata/4.snapshot.json'))).toBe(true);
  });
});

it('a client that comes before the first refresh has ended is not told that there is no newer root', async () => {
  const repository = buildRepository({ delegating: 'paths', consistent: true });
  const rig = await serveRepository(repository);
  onTestFinished(rig.close);
  rig.upstream.fault('/metadata/2.root.json', { kind: 'stall', at: 'headers', time: 500 });
  const mirror = await rig.mirror();
  const answer = await fetch(`${mirror.metadata}3.root.json`);
  expect(equal(await answer.bytes(), repository.files.get('metadata/3.root.json'))).toBe(true);
});
