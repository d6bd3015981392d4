import { afterAll, beforeAll, describe, it } from 'vitest';
import { memoryObjects } from '../support/memory-objects.ts';
import { s3Store } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { startVersitygw } from '../support/versitygw.ts';
import { OBJECT_STORE_CASES, type ObjectStoreRig } from './object-store.ts';

interface Maker {
  readonly name: string;
  open(): Promise<{ rig(): ObjectStoreRig; close(): Promise<void> }>;
}

const MAKERS: readonly Maker[] = [
  {
    name: 'memory',
    open: async () => ({
      rig() {
        const { objects, ...store } = memoryObjects();
        return { store, another: memoryObjects(objects) };
      },
      close: async () => undefined,
    }),
  },
  { name: 'an S3 server of our own', open: () => over(startS3Server()) },
  { name: 'versitygw', open: () => over(startVersitygw()) },
];

/** Every rig has a folder of its own in one bucket. */
async function over(started: Promise<{ readonly url: string; close(): Promise<void> }>) {
  const server = await started;
  const stores: ReturnType<typeof s3Store>[] = [];
  let folder = 0;
  return {
    rig() {
      const prefix = `rig${++folder}`;
      const [store, another] = [s3Store(server.url, { prefix }), s3Store(server.url, { prefix })];
      stores.push(store, another);
      return { store: store.store, another: another.store };
    },
    async close() {
      for (const { client } of stores) client.close();
      await server.close();
    },
  };
}

describe.each(MAKERS)('objects in $name', ({ open }) => {
  let opened: Awaited<ReturnType<Maker['open']>>;
  beforeAll(async () => {
    opened = await open();
  }, 300_000);
  afterAll(() => opened.close());
  it.each(OBJECT_STORE_CASES)('$name', async ({ run }) => run(opened.rig()), 60_000);
});
