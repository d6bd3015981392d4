import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { requirePart } from '../../support/python.ts';
import { serveRepository } from '../../support/rig.ts';
import { ABSENT, buildRepository, type Shape, TARGETS } from '../repositories.ts';
import { equal, expectUpstreamsBodies, expectUpstreamsBytes } from '../upstreams-bytes.ts';
import { goTufClient, toughClient } from './toolchains.ts';

// What these two cannot read from upstream either is left out: go-tuf finds nothing in hashed bins; tough cannot parse
// succinct bins, and knows neither P-384 keys nor targets without sha256.

const both = [true, false];
const clients = [
  { name: 'go-tuf', client: await goTufClient(), shapes: shapes(['paths', 'succinct bins'], ['sha512', 'sha256']) },
  { name: 'tough', client: await toughClient(), shapes: shapes(['paths', 'hashed bins'], ['sha256']) },
];

function shapes(kinds: readonly Shape['delegating'][], targetHashes: NonNullable<Shape['targetHashes']>): Shape[] {
  return kinds.flatMap((delegating) => both.map((consistent) => ({ delegating, consistent, targetHashes })));
}

for (const { name, client, shapes } of clients) {
  describe.runIf(requirePart(name, client))(`${name} behind a mirror`, () => {
    it.each(shapes)(
      "finds every target, and every byte is upstream's: $delegating, consistent $consistent",
      async (shape) => {
        if (client === undefined) return;
        const repository = buildRepository({ ...shape, keys: 'common' });
        const rig = await serveRepository(repository);
        onTestFinished(rig.close);
        const mirror = await rig.mirror();
        const outcome = await client({
          root: rig.root,
          metadataUrl: mirror.metadata,
          targetsUrl: mirror.targets,
          directory: await mkdtemp(join(rig.directory, 'client-')),
          targets: [...TARGETS.keys(), ABSENT],
        });
        for (const [path, bytes] of TARGETS) expect(equal(outcome.targets.get(path), bytes), path).toBe(true);
        expect(outcome.targets.get(ABSENT)).toBeUndefined();
        // tough writes what it keeps anew.
        if (name === 'tough') expectUpstreamsBodies(outcome, mirror, repository);
        else expectUpstreamsBytes(outcome, mirror, repository);
      },
    );
  });
}
