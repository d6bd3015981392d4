import { mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Databases } from '../../src/disk/databases.ts';
import { createDurable } from '../../src/disk/durable.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';

// Says in the trace of its system calls when each create is asked for and when it is answered: node trace.child.ts DATA

const [root = ''] = process.argv.slice(2);
const tempDirectory = join(root, 'tmp', 'own');
mkdirSync(tempDirectory, { recursive: true });
const databases = new Databases({
  durable: createDurable({ ops: nodeFileOps, root, tempDirectory }),
  root,
  directoryOf: (index) => join(root, 'indexes', index),
  access: 'write',
  scan: true,
});
await databases.open('main');
const say = (line: string) => writeSync(1, `${line}\n`);
for (let version = 1; version <= 5; version++) {
  say(`asked ${version}`);
  await databases.state.create(['main', 'tuf', 'floor'], version, Buffer.from(`floor ${version}`));
  say(`answered ${version}`);
}
say('asked many');
await Promise.all(
  Array.from({ length: 40 }, (_, at) => databases.state.create(['main', 'pins', String(at)], 1, Buffer.from('x'))),
);
say('answered many');
say('asked to read');
for (let at = 0; at < 40; at++) await databases.state.newest(['main', 'pins', String(at)], 1);
say('answered what was read');
const documents = databases.documents(1_000_000);
const names = Array.from({ length: 5 }, (_, at) => at.toString(16).repeat(64));
await documents.put(new Map(names.map((name) => [name, Buffer.from(name)])));
for (const name of names) {
  say(`asked to sync ${name}`);
  await documents.sync([name]);
  say(`synced ${name}`);
}
await documents.close();
await databases.close();
