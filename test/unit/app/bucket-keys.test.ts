import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bucketKeys } from '../../../src/app/bucket/keys.ts';
import { type IssuedKeys, renewedKeys } from '../../../src/s3/issued-keys.ts';

const ELSEWHERE = { region: 'eu-1', virtualHost: false };
const AMAZON = { region: 'eu-1', virtualHost: true };
const ENDS = '2999-01-01T00:00:00Z';
const DOCUMENT = JSON.stringify({ AccessKeyId: 'one', SecretAccessKey: 'two', Token: 'three', Expiration: ENDS });
const KEYS = { accessKeyId: 'one', secretAccessKey: 'two', sessionToken: 'three' };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-keys-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Somebody who issues keys, on loopback. */
async function issuer(answer: (asked: Asked, response: ServerResponse) => unknown) {
  const all: Asked[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url: path = '', headers } = request;
    const asked = { method, path, headers, body: await text(request) };
    all.push(asked);
    answer(asked, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, all };
}

const given = async (name: string, content: string) => {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
};

describe('the keys of a bucket', () => {
  it('are those of the section of the file that is named', async () => {
    const file = await given(
      'credentials',
      '[default]\naws_access_key_id = one\naws_secret_access_key = two\n\n[profile mirror]\naws_access_key_id=three\naws_secret_access_key=four\naws_session_token=five\n',
    );
    const keys = (profile?: string) => bucketKeys({ credentialsFile: file, profile }, ELSEWHERE)();
    expect(await keys()).toMatchObject({ accessKeyId: 'one' });
    expect(await keys('mirror')).toEqual({ accessKeyId: 'three', secretAccessKey: 'four', sessionToken: 'five' });
    vi.stubEnv('AWS_PROFILE', 'mirror');
    expect(await keys()).toMatchObject({ accessKeyId: 'three' });
    expect(() => bucketKeys({ credentialsFile: file, profile: 'nobody' }, ELSEWHERE)).toThrow(/no aws_access_key_id/);
  });

  it('are those of the environment before those of a platform', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'one');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'two');
    vi.stubEnv('AWS_SESSION_TOKEN', 'three');
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://127.0.0.1:1/');
    expect(await bucketKeys({}, ELSEWHERE)()).toEqual(KEYS);
  });

  it('are those of the file at its usual place, and there are none without it', async () => {
    expect(() => bucketKeys({}, ELSEWHERE)).toThrow(/\.aws\/credentials/);
    await writeFile(join(directory, 'shared'), '[default]\naws_access_key_id=one\naws_secret_access_key=two\n');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(directory, 'shared'));
    expect(await bucketKeys({}, ELSEWHERE)()).toMatchObject({ accessKeyId: 'one' });
  });

  it('are those of a workload’s role, by the token as it is now', async () => {
    const { url, all } = await issuer((_, response) =>
      response.end(
        `<AssumeRoleWithWebIdentityResponse><Credentials><AccessKeyId>one</AccessKeyId><SecretAccessKey>two</SecretAccessKey><SessionToken>three</SessionToken><Expiration>${ENDS}</Expiration></Credentials></AssumeRoleWithWebIdentityResponse>`,
      ),
    );
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', await given('token', 'a token\n'));
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/mirror');
    vi.stubEnv('AWS_ENDPOINT_URL_STS', url);
    const keys = bucketKeys({}, ELSEWHERE);
    expect(await Promise.all([keys(), keys(), keys()])).toEqual([KEYS, KEYS, KEYS]);
    expect(all).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(all[0]?.body))).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      RoleArn: 'arn:aws:iam::1:role/mirror',
      WebIdentityToken: 'a token',
    });
  });

  it('are those of its container, for which it shows its own token', async () => {
    const { url, all } = await issuer((_, response) => response.end(DOCUMENT));
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', `${url}v1/credentials`);
    vi.stubEnv('AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', await given('token', 'a token\n'));
    expect(await bucketKeys({}, ELSEWHERE)()).toEqual(KEYS);
    expect(all[0]).toMatchObject({ path: '/v1/credentials', headers: { authorization: 'a token' } });
  });

  it('are never asked of another host in the clear', () => {
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', 'http://keys.example/');
    expect(() => bucketKeys({}, ELSEWHERE)).toThrow(/keys\.example in the clear/);
  });

  it('are those of the machine’s role where the store is Amazon’s, and nowhere else', async () => {
    const { url, all } = await issuer(({ method, path, headers }, response) => {
      if (method === 'PUT') return response.end('a session');
      if (headers['x-aws-ec2-metadata-token'] !== 'a session') return response.writeHead(401).end();
      return response.end(path.endsWith('/') ? 'mirror\n' : DOCUMENT);
    });
    vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url);
    expect(await bucketKeys({}, AMAZON)()).toEqual(KEYS);
    expect(all.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /latest/api/token',
      'GET /latest/meta-data/iam/security-credentials/',
      'GET /latest/meta-data/iam/security-credentials/mirror',
    ]);
    expect(() => bucketKeys({}, ELSEWHERE)).toThrow(/\.aws\/credentials/);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    expect(() => bucketKeys({}, AMAZON)).toThrow(/\.aws\/credentials/);
  });

  it.each<readonly [string, (response: ServerResponse) => unknown, RegExp]>([
    ['refuses', (response) => response.writeHead(403).end('no'), /issues no keys of the bucket: 403/],
    ['says nothing of use', (response) => response.end('["secret-in-it"]'), /its answer holds none/],
    ['has no end', (response) => response.end(Buffer.alloc(100_000, 0x20)), /longer than 65536 bytes/],
    ['leads elsewhere', (response) => response.writeHead(302, { location: 'http://other/' }).end(), /: 302/],
    ['breaks off', (response) => response.destroy(), /issues no keys/],
  ])('one who issues them and %s is told of in words', async (_, answer, words) => {
    const { url } = await issuer((_asked, response) => answer(response));
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', url);
    const failed: unknown = await bucketKeys({}, ELSEWHERE)().catch((error: unknown) => error);
    expect(failed).toMatchObject({ kind: 'refused', message: expect.stringMatching(words) });
    expect(String(failed)).not.toContain('secret-in-it');
  });
});

it.each([
  ['no session', 'PUT', 403, ''],
  ['this machine has no role', 'GET', 404, 'mirror'],
  ['this machine has no role', 'GET', 200, 'a role'],
])('a machine that says %s to %s has no keys', async (words, to, status, said) => {
  const { url, all } = await issuer(({ method, path }, response) =>
    method === to && !path.endsWith('mirror') ? response.writeHead(status).end(said) : response.end(DOCUMENT),
  );
  vi.stubEnv('AWS_EC2_METADATA_SERVICE_ENDPOINT', url);
  await expect(bucketKeys({}, AMAZON)()).rejects.toThrow(words);
  expect(all).toHaveLength(to === 'PUT' ? 1 : 2);
});

it.each([{ AccessKeyId: '' }, { SecretAccessKey: '' }, { Expiration: 'soon' }])(
  'a container whose document says %j has no keys',
  async (over) => {
    const { url } = await issuer((_, response) => response.end(JSON.stringify({ ...JSON.parse(DOCUMENT), ...over })));
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', url);
    await expect(bucketKeys({}, ELSEWHERE)()).rejects.toThrow('its answer holds none');
  },
);

it('a workload whose role is refused has no keys', async () => {
  const { url } = await issuer((_, response) =>
    response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>'),
  );
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', await given('token', 'a token'));
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::1:role/mirror');
  vi.stubEnv('AWS_ENDPOINT_URL_STS', url);
  await expect(bucketKeys({}, ELSEWHERE)()).rejects.toThrow('403 AccessDenied');
});

describe('issued keys', () => {
  it('are not there where none were ever issued', async () => {
    await expect(
      renewedKeys(
        () => Promise.reject(new Error('away')),
        () => -1,
      )(),
    ).rejects.toThrow('away');
  });

  it('are renewed before they end, and the old ones serve while no new ones are to be had', async () => {
    const answers: (IssuedKeys | Error)[] = [
      { keys: { ...KEYS, accessKeyId: 'first' }, endsMs: 1_000_000 },
      new Error('away'),
      new Error('away'),
      { keys: { ...KEYS, accessKeyId: 'second' }, endsMs: undefined },
    ];
    let now = 0;
    const keys = renewedKeys(
      async () => {
        const answer = answers.shift();
        if (answer === undefined || answer instanceof Error) throw answer;
        return answer;
      },
      () => now,
    );
    const at = async (time: number) => {
      now = time;
      return (await keys()).accessKeyId;
    };
    expect([await at(0), await at(699_000)]).toEqual(['first', 'first']);
    expect(answers).toHaveLength(3);
    expect(await at(701_000)).toBe('first');
    await expect(at(1_000_001)).rejects.toThrow('away');
    expect([await at(1_000_002), await at(9e15)]).toEqual(['second', 'second']);
  });
});
