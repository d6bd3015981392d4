import type { StateStorage } from '../../src/ports/state-storage.ts';
import { createIndexState } from '../../src/state/index-state.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { blobsOn } from '../support/blobs-on.ts';
import { client } from '../support/callers.ts';
import { faultyOps, isStep } from '../support/faults.ts';
import { openState } from '../support/state.ts';
import { contentOf, expectedOf, pageOf, pinOf, trustOf } from './work.ts';

// Does one round of everything that is durable, and dies at step N of it: node child.ts DATA ROUND N. A step is a change of
// a file, and three times in each change of state: before it, while it is under way, and after it.

const [data = '', round = '', at = ''] = process.argv.slice(2);
const version = Number(round);
let armed = false;
let count = 0;
const step = () => {
  if (armed && ++count === Number(at)) process.kill(process.pid, 'SIGKILL');
};
const ops = faultyOps({
  before: (each) => {
    if (isStep(each)) step();
  },
});
const opened = await openState(data, { ops });
const storage = opened.databases.state;
const steps = async <T>(change: () => Promise<T>): Promise<T> => {
  step();
  const changing = change();
  step();
  const result = await changing;
  step();
  return result;
};
const counted: StateStorage = {
  newest: (item, from) => storage.newest(item, from),
  version: (item, from) => storage.version(item, from),
  read: (item, number) => storage.read(item, number),
  items: (below) => storage.items(below),
  create: (...args) => steps(() => storage.create(...args)),
  removeBelow: (...args) => steps(() => storage.removeBelow(...args)),
  setAside: (...args) => steps(() => storage.setAside(...args)),
};
const state = createIndexState({ storage: counted, index: 'main' });
const { blobs, close } = blobsOn(opened.volume);
const pages = createPageStore(state);
const { trust } = state;
const stored = await trust.load();
const before = await pages.load('demo');
await blobs.scanned;
armed = true;
const bytes = contentOf(version);
const { sha256 } = await blobs.fetch(
  {
    origin: 'crash',
    expected: expectedOf(version),
    limit: bytes.byteLength,
    name: 'f',
    subject: 'file',
  },
  async ({ offset }) => ({
    start: offset,
    bytes: (async function* () {
      yield bytes.subarray(offset);
    })(),
  }),
  client(),
);
await blobs.sync(sha256);
await createPins(state).add('demo', new Map([[`f${version}`, pinOf(version)]]));
await pages.save({ ...pageOf(version), version: before?.version ?? 0 });
await trust.keepTimestamp({ rootVersion: 1, version, bytes: Buffer.from(`timestamp ${version}`) });
await trust.keepRoot(version, Buffer.from(`root ${version}`));
await trust.keepDelegated('bin', version, Buffer.from(`bin ${version}`));
await trust.publish(trustOf(version), stored?.current);
await close();
await opened.close();
// Through without a step N.
process.exitCode = 9;
