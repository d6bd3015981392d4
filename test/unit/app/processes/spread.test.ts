import { describe, expect, it } from 'vitest';
import type { ToSupervisor } from '../../../../src/app/processes/messages.ts';
import { WorkerPeers } from '../../../../src/app/processes/peers.ts';
import { spread } from '../../../../src/app/processes/spread.ts';
import { WorkerLease } from '../../../../src/app/processes/worker-lease.ts';
import type { News } from '../../../../src/ports/peers.ts';

const NEWS: News = { kind: 'refreshed', index: 'main' };
const LONG_MS = 60_000;

function createOther({ silentFor = 0, follows = true } = {}) {
  const heard: News[] = [];
  const following = Promise.withResolvers<void>();
  if (follows) following.resolve();
  return {
    heard,
    following,
    silentFor,
    tell(news: News) {
      heard.push(news);
      return following.promise;
    },
  };
}

describe('what a worker tells', () => {
  it('is told when all others have followed', async () => {
    const [quick, slow] = [createOther(), createOther({ follows: false })];
    let isTold = false;
    const telling = spread(NEWS, [quick, slow], LONG_MS).then(() => {
      isTold = true;
    });
    await quick.following.promise;
    await new Promise(setImmediate);
    expect([isTold, slow.heard]).toEqual([false, [NEWS]]);
    slow.following.resolve();
    await telling;
  });

  it('waits for none that stands still, ends or takes too long; it is told all the same', async () => {
    const silent = createOther({ silentFor: 5000, follows: false });
    await spread(NEWS, [silent], LONG_MS);
    const gone = createOther({ follows: false });
    gone.following.reject(new Error('it has ended'));
    await spread(NEWS, [gone], LONG_MS);
    const slow = createOther({ follows: false });
    await spread(NEWS, [slow], 1);
    for (const each of [silent, gone, slow]) expect(each.heard).toEqual([NEWS]);
  });
});

describe('the others, as one worker speaks to them', () => {
  const create = (isThere: boolean) => {
    const sent: ToSupervisor[] = [];
    const send = (message: ToSupervisor) => {
      if (isThere) sent.push(message);
      return isThere;
    };
    return { sent, peers: new WorkerPeers({ lease: new WorkerLease(send), number: 1, send }) };
  };

  it('have followed when the supervisor says so', async () => {
    const { sent, peers } = create(true);
    const telling = peers.tell(NEWS);
    const [message] = sent;
    expect(message).toEqual({ kind: 'news', id: expect.any(Number), news: NEWS });
    if (message?.kind === 'news') peers.followed(message.id);
    await telling;
  });

  it('are not waited for where the supervisor stands still', async () => {
    const send = () => true;
    const peers = new WorkerPeers({ lease: new WorkerLease(send), number: 1, send, toldMs: 1 });
    await peers.tell(NEWS);
  });

  it('are not waited for where the supervisor is gone, nor at the end', async () => {
    await create(false).peers.tell(NEWS);
    const { peers } = create(true);
    const telling = peers.tell(NEWS);
    peers.close();
    await telling;
  });
});
