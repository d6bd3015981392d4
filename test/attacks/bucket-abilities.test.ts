import { expect, it, onTestFinished } from 'vitest';
import { tryBucket } from '../../src/s3/abilities.ts';
import { Trial } from '../../src/s3/trial.ts';
import { s3Store } from '../support/s3.ts';
import { error, type Misbehaviour, startS3Server } from '../support/s3-server.ts';

async function bucket() {
  const server = await startS3Server();
  const { client } = s3Store(server.url, { prefix: 'files', limits: { pauseMs: 1, headMs: 500, attempts: 2 } });
  onTestFinished(async () => {
    client.close();
    await server.close();
  });
  return { server, client };
}

const refusing =
  (is: (call: Parameters<Misbehaviour>[0]) => boolean, status = 403, code = 'AccessDenied'): Misbehaviour =>
  (call, response) => {
    if (!is(call)) return false;
    error(response, status, code);
    return true;
  };

it('a bucket that does all that files need has no fault, and nothing of the trial stays', async () => {
  const { server, client } = await bucket();
  expect(await tryBucket(client)).toEqual({ faults: [], conditional: { sound: true, faults: [] } });
  expect([...server.objects.keys(), ...server.uploads.keys()]).toEqual([]);
});

it.each<readonly [string, Misbehaviour, RegExp]>([
  ['lets nobody write', refusing(({ method }) => method === 'PUT'), /cannot be written \(403 AccessDenied\)/],
  ['is not there', refusing(() => true, 404, 'NoSuchBucket'), /cannot be written \(404 NoSuchBucket\)/],
  [
    'gives other bytes than were written',
    ({ method, key }, response) => {
      if (method !== 'GET' || !key.endsWith('-file')) return false;
      response.writeHead(200, { 'content-length': 1024 }).end(Buffer.alloc(1024, 7));
      return true;
    },
    /comes back as other bytes/,
  ],
  [
    'lets nobody copy',
    refusing(({ headers }) => headers['x-amz-copy-source'] !== undefined, 501, 'NotImplemented'),
    /cannot be copied, to set evidence aside \(501 NotImplemented\)/,
  ],
  ['lets nobody list', refusing(({ key }) => key === ''), /cannot be listed/],
  [
    'lists nothing',
    ({ key }, response) => {
      if (key !== '') return false;
      response.writeHead(200).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
      return true;
    },
    /not in the list/,
  ],
  ['knows no parts', refusing(({ method }) => method === 'POST', 501, 'NotImplemented'), /cannot be begun in parts/],
  ['lets nobody remove', refusing(({ method }) => method === 'DELETE'), /cannot be removed \(403 AccessDenied\)/],
  [
    'keeps what was removed',
    ({ method }, response) => {
      if (method !== 'DELETE') return false;
      response.writeHead(204).end();
      return true;
    },
    /what was removed can still be read/,
  ],
])('a bucket that %s is found out, in words', async (_, misbehaviour, words) => {
  const { server, client } = await bucket();
  server.misbehave(misbehaviour);
  expect((await tryBucket(client)).faults.join('\n')).toMatch(words);
});

it('a bucket that tells what is missing as a refusal is found out', async () => {
  const { server, client } = await bucket();
  server.misbehave(
    refusing(({ method, key }) => method === 'GET' && key.endsWith('-file') && !server.objects.has(key)),
  );
  expect((await tryBucket(client)).faults).toEqual([expect.stringMatching(/lack s3:ListBucket/)]);
});

it('one that does not keep to its conditions holds files all the same', async () => {
  const { server, client } = await bucket();
  server.misbehave((call, response) => {
    if (call.headers['if-none-match'] !== '*') return false;
    server.objects.set(call.key, { bytes: call.body, changed: new Date() });
    response.writeHead(200).end();
    return true;
  });
  expect(await tryBucket(client)).toMatchObject({ faults: [], conditional: { sound: false } });
});

it('one that goes away while its list is asked for has no fault found: it could not be asked', async () => {
  const { server, client } = await bucket();
  server.misbehave(({ key }, response) => {
    if (key !== '') return false;
    response.destroy();
    return true;
  });
  await expect(tryBucket(client)).rejects.toMatchObject({ kind: 'away' });
});

it('one that could not be asked is tried again, and the start waits no longer than it may', async () => {
  const { server, client } = await bucket();
  server.misbehave(refusing(() => true, 503, 'SlowDown'));
  const told = Promise.withResolvers<unknown>();
  const onTrouble = (trouble: unknown) => told.reject(trouble);
  const trial = new Trial({ client, onFound: told.resolve, onTrouble, waitMs: 200, pauseMs: 20 });
  onTestFinished(() => trial.close());
  await trial.start();
  expect(trial.found).toBeUndefined();
  server.heal();
  expect(await told.promise).toMatchObject({ faults: [] });
  expect(trial.found).toMatchObject({ conditional: { sound: true } });
});
