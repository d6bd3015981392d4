import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Databases } from '../../src/disk/databases.ts';
import { createDurable } from '../../src/disk/durable.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { contentFor, pairOf } from './state-work.ts';

// Creates versions with several callers at once until it is killed, and says each that was created: node state.child.ts DATA WHO
// [KEY] [ROUNDS]. Once a version is said it must be there, whatever happens to this process.

const [root = '', who = '', key = '', rounds = ''] = process.argv.slice(2);
const tempDirectory = join(root, 'tmp', who);
mkdirSync(tempDirectory, { recursive: true });
const databases = new Databases({
  durable: createDurable({ ops: nodeFileOps, root, tempDirectory }),
  root,
  directoryOf: (index) => join(root, 'indexes', index),
  access: 'write',
  scan: true,
  sealKey: key === '' ? undefined : Buffer.from(key, 'hex'),
});
await databases.open('main');
const { state } = databases;
process.stdout.write('ready\n');

async function caller(name: string): Promise<void> {
  const item: ItemPath = ['main', 'pins', name];
  for (let round = 0; rounds === '' || round < Number(rounds); round++) {
    const version = (await state.version(item, 0)) + 1;
    const value = contentFor(name, version, who);
    // Two items in one transaction, whichever was there before goes with it.
    const others = [{ item: pairOf(name), version, value, removeBelow: version }];
    if (!(await state.create(item, version, value, { others }))) continue;
    process.stdout.write(`${name} ${version} ${who}\n`);
    if (version % 7 === 0) await state.removeBelow(item, version - 3);
  }
}

await Promise.all(Array.from({ length: 10 }, (_, at) => caller(`project-${at}`)));
await databases.close();
