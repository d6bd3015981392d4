import { createHash, scryptSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { examine } from '../../src/app/doctor/examine.ts';
import type { RunningMirror } from '../../src/app/running/mirror.ts';
import { startMirror } from '../../src/app/start.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { ask } from '../support/ask.ts';
import { freePort } from '../support/free-port.ts';
import { S3_BUCKET } from '../support/s3.ts';
import { error, type S3Server, startS3Server } from '../support/s3-server.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

// Every secret that this program is given, or that a client or an upstream hands it, is driven through it while all goes wrong. None is told to anybody.

const JSON_PAGE = 'application/vnd.pypi.simple.v1+json';

/** Each is unlike every other, and unlike anything else there is. */
const secret = (what: string) => `s3cr3t${createHash('sha256').update(what).digest('hex').slice(0, 24)}`;
const SECRETS = {
  upstreamPassword: secret('upstream'),
  proxyPassword: secret('proxy'),
  redisPassword: secret('redis'),
  s3Key: secret('s3'),
  commandSays: secret('command'),
  sealKey: secret('seal'),
  userPassword: secret('user'),
  wrongPassword: secret('wrong'),
  token: secret('token'),
  wrongToken: secret('wrong token'),
  query: secret('query'),
  userinfo: secret('userinfo'),
  header: secret('header'),
  cookie: secret('cookie'),
  signedLink: secret('link'),
  redirect: secret('redirect'),
};
/** As they may be written. */
const forms = (value: string) => [
  value,
  encodeURIComponent(value),
  Buffer.from(value).toString('hex'),
  // Base64 of it begins and ends at another place by what stands before it.
  ...[0, 1, 2].map((shift) =>
    Buffer.from(`${'x'.repeat(shift)}${value}`)
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  ),
];

let directory: string;
let upstream: TestUpstream;
let s3: S3Server;
let mirror: RunningMirror | undefined;
const said: string[] = [];

beforeEach(async () => {
  said.length = 0;
  directory = mkdtempSync(join(tmpdir(), 'verbatim-secrets-'));
  s3 = await startS3Server();
  s3.misbehave(({ headers }, response) => {
    // Some stores say in their refusals what they were sent.
    error(response, 403, `SignatureDoesNotMatch ${headers.authorization ?? ''}`);
    return true;
  });
  upstream = await startUpstream({
    handler: (incoming, outgoing) => {
      const { url = '', headers } = incoming;
      if (url === '/simple/linked/') {
        const file = {
          filename: 'linked-1.0.tar.gz',
          url: `${upstream.url}f/linked-1.0.tar.gz?X-Amz-Signature=${SECRETS.signedLink}&token=${SECRETS.signedLink}`,
          hashes: { sha256: '0'.repeat(64) },
          size: 3,
        };
        return void outgoing
          .writeHead(200, { 'content-type': JSON_PAGE })
          .end(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'linked', versions: ['1.0'], files: [file] }));
      }
      if (url.startsWith('/f/')) return void outgoing.writeHead(200, { 'content-length': 3 }).end('abc');
      if (url === '/simple/moved/')
        return void outgoing
          .writeHead(302, { location: `http://me:${SECRETS.redirect}@127.0.0.1:9/x?access_token=${SECRETS.redirect}` })
          .end();
      // One that says back what it was sent.
      return void outgoing
        .writeHead(403, { 'content-type': 'text/plain' })
        .end(`forbidden: ${headers.authorization ?? ''}`);
    },
  });
});
afterEach(async () => {
  await mirror?.close();
  mirror = undefined;
  await upstream.close();
  await s3.close();
  rmSync(directory, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  writeFileSync(join(directory, name), text, { mode: 0o600 });
  return name;
}

function given(redis: number, nobody: number): string {
  const salt = Buffer.alloc(16, 3);
  const hash = scryptSync(SECRETS.userPassword, salt, 32, { cost: 2, blockSize: 1, parallelization: 1 });
  write('users', `ann:scrypt$2$1$1$${salt.toString('base64url')}$${hash.toString('base64url')}\n`);
  write('tokens', `ci:${createHash('sha256').update(SECRETS.token).digest('hex')}\n`);
  write('upstream', `${SECRETS.upstreamPassword}\n`);
  write('proxy', `${SECRETS.proxyPassword}\n`);
  write('redis', `${SECRETS.redisPassword}\n`);
  write('seal', SECRETS.sealKey);
  write('s3', `[default]\naws_access_key_id = nobody\naws_secret_access_key = ${SECRETS.s3Key}\n`);
  write(
    'verbatim.yaml',
    `server: { port: 0, auth: { htpasswd: users, tokens: tokens } }
data: data
seal_key_file: seal
log: { level: debug }
redis: { url: "redis://127.0.0.1:${redis}", username: me, password_file: redis }
blobs: { store: "s3://${S3_BUCKET}/files?endpoint=${s3.url}&region=us-east-1", credentials_file: s3 }
indexes:
  main: { upstream: "${upstream.url}simple/", evidence: index, credentials: { username: me, password_file: upstream } }
  proxied: { upstream: "https://index.example/simple/", evidence: index, proxy: { url: "http://127.0.0.1:${nobody}", username: me, password_file: proxy } }
  commanded: { upstream: "http://127.0.0.1:${nobody}/simple/", evidence: index, credentials: { username: me, password_command: [sh, -c, "echo ${SECRETS.commandSays}; echo ${SECRETS.commandSays} >&2; exit 3"] } }
`,
  );
  return join(directory, 'verbatim.yaml');
}

const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`;

it('no secret is in a line of the log, in a metric, an answer, a status or what the doctor says', {
  timeout: 180_000,
}, async () => {
  const file = given(await freePort(), await freePort());
  const config = loadConfig({ file, env: {} });
  const log = createLog({ level: 'debug', format: 'json', sink: { write: (line) => void said.push(line) } });
  mirror = await startMirror({ config, log, admin: { host: '127.0.0.1', port: 0 } });
  const { url } = mirror;
  const told: string[] = [];
  const paths = [
    '/simple/linked/',
    '/simple/moved/',
    '/simple/forbidden/',
    '/proxied/simple/any/',
    '/commanded/simple/any/',
    '/files/linked/sha256-x/linked-1.0.tar.gz',
    `/simple/linked/?token=${SECRETS.query}`,
    `http://me:${SECRETS.userinfo}@mirror.example/simple/linked/`,
    '/health',
    '/+status',
    '/',
    '/nowhere',
  ];
  const sent = [
    basic(`ann:${SECRETS.userPassword}`),
    basic(`x:${SECRETS.token}`),
    `Bearer ${SECRETS.token}`,
    basic(`ann:${SECRETS.wrongPassword}`),
    `Bearer ${SECRETS.wrongToken}`,
  ];
  for (const authorization of sent)
    for (const path of paths) {
      const headers = {
        authorization,
        'x-request-id': `Bearer ${SECRETS.header}`,
        cookie: SECRETS.cookie,
        accept: JSON_PAGE,
      };
      const answer = await ask(url, path, { headers });
      told.push(JSON.stringify(answer.headers), answer.phrase, answer.body.toString());
    }
  const files = /"url": ?"([^"]*linked-1\.0\.tar\.gz)"/.exec(told.join('\n'))?.[1];
  if (files !== undefined) {
    const path = new URL(files, `${url}/simple/linked/`).pathname;
    const answer = await ask(url, path, { headers: { authorization: sent[0] ?? '' } });
    told.push(answer.phrase, answer.body.toString());
  }
  const metrics = await (await fetch(mirror.metricsUrl ?? '')).text();
  const status = await mirror.answer(`${JSON.stringify({ verbatim: 1, do: 'status', with: {} })}\n`);
  const examined: unknown[] = [];
  for await (const findings of examine({ given: { file, env: {} }, folder: directory, onBegin: () => undefined }))
    examined.push(...findings);
  mirror.reload();
  await mirror.close();
  mirror = undefined;

  const places = { log: said.join(''), answers: told.join('\n'), metrics, status, doctor: JSON.stringify(examined) };
  // What went wrong was told, so that this looked where secrets pass.
  expect(places.log).toMatch(/"reason":"forbidden"/);
  expect(places.log).toMatch(/"event":"redis"/);
  expect(places.log).toMatch(/"event":"request"/);
  expect(places.status).toMatch(/"answer"/);
  expect(places.doctor).toMatch(/bucket/);
  for (const [what, value] of Object.entries(SECRETS))
    for (const form of forms(value))
      for (const [place, text] of Object.entries(places))
        expect([what, place, text.includes(form)]).toEqual([what, place, false]);
});
