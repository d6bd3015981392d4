import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { probeStore } from '../../src/s3/probe.ts';
import { s3Store } from '../support/s3.ts';
import { error, type Misbehaviour, type S3Call, type S3Server, startS3Server } from '../support/s3-server.ts';

// Object stores that do not do what they promise: nothing that one says of a write is believed before it was read back.

const ONE = Buffer.from('one');
const LIMITS = { headMs: 400, silenceMs: 400, attempts: 4, pauseMs: 1, hedgeMs: 100_000 };

let server: S3Server;
let opened: ReturnType<typeof s3Store>[] = [];
beforeEach(async () => {
  server = await startS3Server();
});
afterEach(async () => {
  for (const { client } of opened) client.close();
  opened = [];
  await server.close();
});

const open = (limits = {}) => {
  const made = s3Store(server.url, { limits: { ...LIMITS, ...limits } });
  opened.push(made);
  return made;
};
const isWrite = ({ method, headers }: S3Call) => method === 'PUT' && headers['if-none-match'] === '*';
/** The first so many calls that match are misbehaved to. */
const times = (count: number, matches: (call: S3Call) => boolean, how: Misbehaviour): Misbehaviour => {
  let left = count;
  return (call, response) => (matches(call) && left-- > 0 ? how(call, response) : false);
};
const kept = (key: string) => server.objects.get(key)?.bytes.toString();
const store = (key: string, bytes: Buffer) => server.objects.set(key, { bytes, changed: new Date() });
const answering =
  (status: number, code: string): Misbehaviour =>
  (_, response) => {
    error(response, status, code);
    return true;
  };
const cutting = (response: ServerResponse) => {
  response.socket?.destroy();
  return true;
};

describe('a creation', () => {
  it('that was done and answered with a cut connection is found to be ours', async () => {
    server.misbehave(
      times(1, isWrite, ({ key, body }, response) => {
        store(key, body);
        return cutting(response);
      }),
    );
    expect(await open().store.create('k', ONE)).toBe('created');
  });

  it('that was not done and answered with a cut connection is made again', async () => {
    server.misbehave(times(1, isWrite, (_, response) => cutting(response)));
    expect(await open().store.create('k', ONE)).toBe('created');
    expect(kept('k')).toBe('one');
  });

  it('that was cut while another was quicker is taken', async () => {
    server.misbehave(
      times(1, isWrite, ({ key }, response) => {
        store(key, Buffer.from('two'));
        return cutting(response);
      }),
    );
    expect(await open().store.create('k', ONE)).toBe('taken');
  });

  it('that meets 412 of its own first attempt is ours', async () => {
    store('k', ONE);
    expect(await open().store.create('k', ONE)).toBe('created');
  });

  it.each([
    [409, 'ConditionalRequestConflict'],
    [412, 'PreconditionFailed'],
    [503, 'SlowDown'],
    [500, 'InternalError'],
  ])('that is answered with %i %s though nothing lies there is made again', async (status, code) => {
    server.misbehave(times(2, isWrite, answering(status, code)));
    expect(await open().store.create('k', ONE)).toBe('created');
    expect(kept('k')).toBe('one');
  });

  it.each([
    [409, 'ConditionalRequestConflict'],
    [412, 'PreconditionFailed'],
    [503, 'SlowDown'],
  ])('that is answered with %i %s for ever is told as not known, not as taken', async (status, code) => {
    server.misbehave(times(100, isWrite, answering(status, code)));
    await expect(open().store.create('k', ONE)).rejects.toMatchObject({ kind: 'away' });
    expect(server.calls.filter(isWrite)).toHaveLength(LIMITS.attempts);
  });

  it('with 409 for what another has created is taken', async () => {
    store('k', Buffer.from('two'));
    server.misbehave(times(100, isWrite, answering(409, 'ConditionalRequestConflict')));
    expect(await open().store.create('k', ONE)).toBe('taken');
  });

  it('of a larger object than ours is taken', async () => {
    store('k', Buffer.from('something longer'));
    expect(await open().store.create('k', ONE)).toBe('taken');
  });

  it('that is not answered is given up after its time, and made again', async () => {
    server.misbehave(times(1, isWrite, () => true));
    expect(await open().store.create('k', ONE)).toBe('created');
  });

  it('that is slow to be answered is hedged by a second one of the same bytes', async () => {
    server.misbehave(times(1, isWrite, () => true));
    expect(await open({ headMs: 60_000, hedgeMs: 20 }).store.create('k', ONE)).toBe('created');
    expect(server.calls.filter(isWrite)).toHaveLength(2);
  });

  it('that is refused for good is not tried again, and says by what', async () => {
    server.misbehave(times(100, isWrite, answering(403, 'RequestTimeTooSkewed')));
    await expect(open().store.create('k', ONE)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/403 RequestTimeTooSkewed.*clock/),
    });
    expect(server.calls).toHaveLength(1);
  });
});

describe('an object', () => {
  const sending =
    (announced: number, bytes: string, status = 200): Misbehaviour =>
    (_, response) => {
      response.writeHead(status, { 'content-length': announced });
      response.end(bytes);
      if (bytes.length < announced) response.socket?.end();
      return true;
    };
  const isRead = ({ method }: S3Call) => method === 'GET';

  it('that breaks off is read again', async () => {
    store('k', ONE);
    server.misbehave(times(1, isRead, sending(100, 'on')));
    expect(Buffer.from((await open().store.get('k', 100)) ?? []).toString()).toBe('one');
  });

  it('whose body stands still is read again', async () => {
    store('k', ONE);
    server.misbehave(
      times(1, isRead, (_, response) => {
        response.writeHead(200, { 'content-length': 3 });
        response.write('o');
        return true;
      }),
    );
    expect(Buffer.from((await open().store.get('k', 100)) ?? []).toString()).toBe('one');
  });

  it('is not absent because the store is broken', async () => {
    server.misbehave(times(100, isRead, answering(503, 'SlowDown')));
    await expect(open().store.get('k', 100)).rejects.toMatchObject({ kind: 'away' });
    server.misbehave(times(100, isRead, answering(403, 'AccessDenied')));
    await expect(open().store.get('k', 100)).rejects.toMatchObject({ kind: 'refused' });
  });
});

describe('a list', () => {
  const saying =
    (xml: string): Misbehaviour =>
    (_, response) => {
      response.writeHead(200).end(xml);
      return true;
    };
  const entry = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>1</Size></Contents>`;
  const list = (more: string, truncated = false) =>
    `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${more}</ListBucketResult>`;
  const read = async () => {
    const keys: string[] = [];
    for await (const key of open().store.list('a/')) keys.push(key);
    return keys;
  };
  const next = '<NextContinuationToken>t</NextContinuationToken>';

  it.each([
    ['has no end', list(next, true)],
    ['never goes on', list(entry('a/1') + next, true)],
    ['goes back', list(entry('a/2') + entry('a/1'))],
    ['is of something else', list(entry('b/1'))],
    ['is cut', list(entry('a/1')).slice(0, -5)],
    ['has a part without a next one', list(entry('a/1'), true)],
    ['has an object without a size', list('<Contents><Key>a/1</Key></Contents>')],
    ['is none', '<html>hello</html>'],
  ])('that %s is refused', async (_, xml) => {
    server.misbehave(saying(xml));
    await expect(read()).rejects.toMatchObject({ kind: 'wrong' });
  });

  it('that is larger than is read is refused', async () => {
    server.misbehave(saying(list(' '.repeat(5 * 1024 * 1024))));
    await expect(read()).rejects.toMatchObject({ kind: 'limit' });
  });
});

describe('a store is probed, not believed', () => {
  const probe = () => probeStore(open().client);

  it('one that holds its conditions is sound, and nothing of the probe stays', async () => {
    expect(await probe()).toEqual({ sound: true, faults: [] });
    expect([...server.objects.keys()]).toEqual([]);
  });

  it('one that ignores If-None-Match is found out', async () => {
    server.misbehave((call, response) => {
      if (!isWrite(call)) return false;
      store(call.key, call.body);
      response.writeHead(200).end();
      return true;
    });
    expect(await probe()).toMatchObject({
      sound: false,
      faults: [expect.stringMatching(/If-None-Match is ignored/), expect.stringMatching(/8 of 8/)],
    });
  });

  it('one that ignores If-Match is found out', async () => {
    server.misbehave(({ method, key, headers, body }, response) => {
      if (method !== 'PUT' || headers['if-match'] === undefined) return false;
      store(key, body);
      response.writeHead(200).end();
      return true;
    });
    expect(await probe()).toMatchObject({ sound: false, faults: [expect.stringMatching(/If-Match is ignored/)] });
  });

  it('one that lets two of those who race win is found out', async () => {
    const won = new Map<string, number>();
    server.misbehave((call, response) => {
      if (!isWrite(call) || call.key.endsWith('-one')) return false;
      const count = (won.get(call.key) ?? 0) + 1;
      won.set(call.key, count);
      if (count !== 2) return false;
      response.writeHead(200).end();
      return true;
    });
    expect(await probe()).toMatchObject({ sound: false, faults: [expect.stringMatching(/2 of 8/)] });
  });

  it('one that cannot create at all is found out', async () => {
    server.misbehave((call, response) => {
      if (!isWrite(call)) return false;
      error(response, 501, 'NotImplemented');
      return true;
    });
    expect(await probe()).toMatchObject({
      sound: false,
      faults: [expect.stringMatching(/could not be created \(501\)/)],
    });
  });
});
