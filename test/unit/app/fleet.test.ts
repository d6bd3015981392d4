import { expect, it, onTestFinished } from 'vitest';
import { Fleet } from '../../../src/app/fleet/fleet.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { SEAL_KEY } from '../../support/machines.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { s3Store } from '../../support/s3.ts';
import { startS3Server } from '../../support/s3-server.ts';

it('a store that no longer keeps to its conditions is refused, though what is needed to serve is held', async () => {
  const server = await startS3Server();
  onTestFinished(() => server.close());
  const memory = createMemoryState();
  const opened = async () => {
    const options = { sealKey: SEAL_KEY, follows: true, emit: noEvents };
    const fleet = new Fleet(s3Store(server.url).client, memory.party(), options);
    try {
      await fleet.open('main');
    } finally {
      await fleet.close();
    }
  };
  await opened();
  server.misbehave(({ headers }) => {
    delete headers['if-none-match'];
    return false;
  });
  await expect(opened()).rejects.toMatchObject({
    reason: 'state',
    transient: false,
    message: expect.stringContaining('Index main cannot share its state'),
  });
});
