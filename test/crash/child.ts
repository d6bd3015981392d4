import { openVolume } from '../../src/disk/volume.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { createTrustStore } from '../../src/state/trust.ts';
import { blobsOn } from '../support/blobs-on.ts';
import { client } from '../support/callers.ts';
import { failAt } from '../support/faults.ts';
import { contentOf, expectedOf, pageOf, pinOf, trustOf } from './work.ts';

// Does one round of everything that is durable, and dies at step N of it: node child.ts DATA ROUND N

const [data = '', round = '', at = ''] = process.argv.slice(2);
const version = Number(round);
const faults = failAt(Number(at), 'before', () => {
  process.kill(process.pid, 'SIGKILL');
});
const volume = await openVolume(data, { ops: faults.ops });
const { blobs, close } = blobsOn(volume);
const trust = createTrustStore(volume, 'main');
const pins = createPins(volume, 'main');
const stored = await trust.load();
await blobs.scanned;
faults.arm();
const bytes = contentOf(version);
await blobs.fetch(
  {
    origin: 'crash',
    expected: expectedOf(version),
    limit: bytes.byteLength,
    name: 'f',
    subject: 'file',
    durable: true,
  },
  async ({ offset }) => ({
    start: offset,
    bytes: (async function* () {
      yield bytes.subarray(offset);
    })(),
  }),
  client(),
);
await pins.add('demo', new Map([[`f${version}`, pinOf(version)]]));
await createPageStore(volume, 'main').save(pageOf(version));
await trust.keepRoot(version, Buffer.from(`root ${version}`));
await trust.keepDelegated('bin', version, Buffer.from(`bin ${version}`));
await trust.publish(trustOf(version), stored?.current);
await close();
await volume.close();
// Through without a step N.
process.exitCode = 9;
