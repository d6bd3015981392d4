import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, type Misbehaviour, type S3Call, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { UnsignedBook } from '../support/unsigned-book.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';

// Two replicas that share nothing but an object store, which does whatever it likes while upstream goes on publishing.

const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 50 };
const RELEASES = 6;

const wheels = Array.from({ length: RELEASES }, (_, at) => tinyWheel('alpha', `${at + 1}.0`));
/** Where trust lies, and not the trial of the store itself. */
const isState = ({ key }: S3Call) => key.includes('/state/');

const FAULTS: readonly (readonly [string, (objects: () => readonly Uint8Array[]) => Misbehaviour])[] = [
  ['killed', () => (_, response) => response.destroy() !== undefined],
  ['silent', () => (call) => isState(call)],
  ['busy', () => (call, response) => isState(call) && error(response, 503, 'SlowDown') !== undefined],
  ['refusing', () => (_, response) => error(response, 403, 'AccessDenied') !== undefined],
  [
    'giving another object',
    (objects) => (call, response) => {
      if (call.method !== 'GET' || !isState(call)) return false;
      response.writeHead(200).end(objects()[0] ?? '');
      return true;
    },
  ],
  [
    'giving bytes of the right length that are wrong',
    (objects) => (call, response) => {
      if (call.method !== 'GET' || !isState(call)) return false;
      response.writeHead(200).end(Buffer.alloc(objects().at(-1)?.byteLength ?? 64, 7));
      return true;
    },
  ],
  [
    'forgetting what it has',
    () => (call, response) => call.method === 'GET' && isState(call) && error(response, 404, 'NoSuchKey') !== undefined,
  ],
  [
    'saying that others won',
    () => (call, response) =>
      call.method === 'PUT' && isState(call) && error(response, 412, 'PreconditionFailed') !== undefined,
  ],
  [
    'keeping what it says it did not',
    () => (call, response) => {
      if (call.method === 'PUT' && isState(call)) {
        response.writeHead = () => response.destroy();
        response.end = () => response.destroy();
      }
      return false;
    },
  ],
];

async function pair() {
  const directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  const s3 = await startS3Server();
  onTestFinished(() => s3.close());
  const flags = [
    ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
    ...['--seal-key-file', join(directory, 'seal.key')],
    ...['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${s3.url}`],
  ];
  const command = (words: readonly string[], name: string) =>
    verbatimWith(ENV, ...words, ...flags, '--data', join(directory, name), '--json');
  const serve = async (name: string) => {
    const server = await startVerbatim([...flags, '--max-age', '0'], join(directory, name), { env: ENV });
    onTestFinished(() => server.close());
    return server;
  };
  return { pypi, s3, command, serve };
}

/** The releases a page lists, undefined for a refusal. The page, and the newest file that it lists, are written down as they came. */
async function releasesOf(
  book: UnsignedBook,
  replica: string,
  { simple }: RunningVerbatim,
): Promise<number | undefined> {
  const files = await book.page({ replica, simple }, 'alpha');
  if (typeof files === 'number') return undefined;
  const last = files.at(-1);
  if (last !== undefined) await book.file({ replica, simple }, 'alpha', last);
  return files.length;
}

function upload(book: UnsignedBook, at: number): void {
  const wheel = wheels[at];
  if (wheel === undefined) throw new Error('there are no more');
  book.upload('alpha', wheel);
}

describe('two replicas whose store is', () => {
  it.each(FAULTS)(
    '%s lower nothing, serve no byte that is not proved, and agree when it is over',
    async (_, fault) => {
      const { pypi, s3, command, serve } = await pair();
      const book = new UnsignedBook(pypi);
      upload(book, 0);
      const replicas = { one: await serve('one'), two: await serve('two') };
      const look = async () => {
        for (const [name, server] of Object.entries(replicas)) await releasesOf(book, name, server);
      };
      book.together();
      await look();
      upload(book, 1);
      await look();
      book.apart();
      s3.misbehave(fault(() => [...s3.objects].filter(([key]) => key.includes('/log/')).map(([, { bytes }]) => bytes)));
      for (let at = 2; at < RELEASES - 1; at++) {
        upload(book, at);
        await look();
      }
      s3.heal();
      upload(book, RELEASES - 1);
      for (const [name, server] of Object.entries(replicas))
        await vi.waitFor(async () => expect(await releasesOf(book, name, server)).toBe(RELEASES), PATIENCE);
      book.together();
      await look();
      for (const name of ['one', 'two']) {
        await replicas[name === 'one' ? 'one' : 'two'].close();
        expect(await command(['verify'], name)).toMatchObject({ code: 0 });
      }
      // And one that joins now has no less.
      expect(await releasesOf(book, 'joined', await serve('joined'))).toBe(RELEASES);
      book.holds(10);
    },
    240_000,
  );
});
