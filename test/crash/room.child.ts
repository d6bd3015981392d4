import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Databases } from '../../src/disk/databases.ts';
import { createDurable } from '../../src/disk/durable.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';
import { workHere } from '../../src/ports/page-work.ts';
import { createIndexState } from '../../src/state/index-state.ts';
import { StateRoomKeeper } from '../../src/state/room-keeper.ts';
import { pageFor, pinsFor } from './room-work.ts';

// Remembers one project after the other in a state that is always near its limit, until it is killed: node room.child.ts DATA WHO. Once
// a project is said, it must be held to what was said of it, whatever happens to this process.

const [root = '', who = ''] = process.argv.slice(2);
const tempDirectory = join(root, 'tmp', who);
mkdirSync(tempDirectory, { recursive: true });
const databases = new Databases({
  durable: createDurable({ ops: nodeFileOps, root, tempDirectory }),
  root,
  directoryOf: (index) => join(root, 'indexes', index),
  access: 'write',
  scan: true,
  stateBytes: 64 * 1024 * 1024,
});
await databases.open('main');
const { state: storage } = databases;
const state = createIndexState({ storage, index: 'main' });
const room = {
  // Full, whatever there is.
  usage: async (index: string) => ({ ...(await storage.usage(index)), limit: 1 }),
  oldestPages: (index: string, after: number) => storage.oldestPages(index, after),
};
const keeper = new StateRoomKeeper({
  room,
  state,
  work: workHere,
  emit: (event) => {
    if (event.name === 'letGo') process.stdout.write(`gone ${event.project}\n`);
    if (event.name === 'faulted') process.stderr.write(`${String(event.error)}\n`);
  },
});
process.stdout.write('ready -\n');
for (let at = 0; ; at++) {
  const project = `${who}-${at}`;
  await state.page(project).change(() => ({ page: pageFor(project) }));
  await state.pins(project).change(() => pinsFor(project));
  process.stdout.write(`kept ${project}\n`);
  void keeper.makeRoom();
}
