import { describe, expect, it } from 'vitest';
import { inTurn } from '../../../src/mirror/in-turn.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { createLeaseService } from '../../support/memory-lease.ts';

const KEY = 'metadata of main';

describe('work that several processes could do', () => {
  it('is done where there is one process', async () => {
    const work = async () => 'here';
    expect(await inTurn(client(), { lease: undefined, key: KEY, work, done: () => undefined })).toBe('here');
  });

  it('is done once, and what it came to elsewhere is taken', async () => {
    const service = createLeaseService();
    const result = Promise.withResolvers<string>();
    let known: string | undefined;
    const first = inTurn(client(), {
      lease: service.party('one'),
      key: KEY,
      work: async () => {
        known = await result.promise;
        return known;
      },
      done: () => undefined,
    });
    const work = () => Promise.reject(new Error('it was done twice'));
    const second = inTurn(client(), { lease: service.party('other'), key: KEY, work, done: () => known });
    result.resolve('there');
    expect(await Promise.all([first, second])).toEqual(['there', 'there']);
  });

  it('is done here where it failed elsewhere, and by the next one after that', async () => {
    const service = createLeaseService();
    const [one, other] = [service.party('one'), service.party('other')];
    const failing = Promise.withResolvers<string>();
    const first = inTurn(client(), { lease: one, key: KEY, work: () => failing.promise, done: () => undefined });
    const second = inTurn(client(), { lease: other, key: KEY, work: async () => 'here', done: () => undefined });
    failing.reject(new Error('upstream is away'));
    await expect(first).rejects.toThrow('away');
    expect(await second).toBe('here');
    expect(await inTurn(client(), { lease: one, key: KEY, work: async () => 'again', done: () => undefined })).toBe(
      'again',
    );
  });

  it('is not waited for by who has left', async () => {
    const service = createLeaseService();
    await service.party('one').take(KEY);
    const { caller, leave } = leavingClient();
    const waiting = inTurn(caller, {
      lease: service.party('other'),
      key: KEY,
      work: async () => 'here',
      done: () => undefined,
    });
    leave();
    expect(await waiting).toBe('here');
  });
});
