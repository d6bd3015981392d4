import { describe, expect, it } from 'vitest';
import { createClient } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';

describe('refresh', () => {
  it('asks in the order of the workflow, and nothing twice', async () => {
    const simulator = createSimulator();
    const client = createClient(simulator);
    await client.refresh();
    expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']);
    expect(client.versions()).toEqual({ root: 1, timestamp: 1, snapshot: 1, targets: 1 });
  });

  it('asks again only for what changed', async () => {
    const simulator = createSimulator();
    const client = createClient(simulator);
    await client.refresh();
    simulator.reads.length = 0;
    await client.refresh();
    expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json']);
    simulator.repository.publish();
    simulator.reads.length = 0;
    await client.refresh();
    expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json', '2.snapshot.json']);
  });

  it('takes every root in between', async () => {
    const simulator = createSimulator();
    const client = createClient(simulator);
    for (const name of ['b', 'c', 'd']) {
      simulator.repository.rotate('root', authority([name]));
      simulator.repository.publish();
    }
    await client.refresh();
    expect(simulator.reads.slice(0, 5)).toEqual([
      '2.root.json',
      '3.root.json',
      '4.root.json',
      '5.root.json',
      'timestamp.json',
    ]);
    expect(client.versions().root).toBe(4);
  });

  it('asks for unversioned names where snapshots are not consistent, roots excepted', async () => {
    const simulator = createSimulator({ consistent: false, metaHashes: ['sha256', 'blake2b-256'] });
    const client = createClient(simulator);
    await client.refresh();
    expect(simulator.reads).toEqual(['2.root.json', 'timestamp.json', 'snapshot.json', 'targets.json']);
  });

  it('keeps the exact bytes, whatever their layout', async () => {
    const simulator = createSimulator({ style: { indent: 3, order: 'reversed', finalNewline: true } });
    const client = createClient(simulator);
    const { timestamp, snapshot, targets } = await client.refresh();
    expect(Buffer.from(timestamp.bytes)).toEqual(simulator.bytes('timestamp.json'));
    expect(Buffer.from(snapshot.bytes)).toEqual(simulator.bytes('1.snapshot.json'));
    expect(Buffer.from(targets.bytes)).toEqual(simulator.bytes('1.targets.json'));
  });
});
