import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { IndexState } from '../../src/ports/index-state.ts';
import { startSignedRig } from '../rigs/signed-rig.ts';
import { AnswerBook } from '../support/answer-book.ts';
import { createClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { fetch } from '../support/fetch.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';
import { startVersitygw } from '../support/versitygw.ts';

// What an operator decides beside one replica of a fleet, and what a real store that is killed costs a fleet of two.

const SEAL_KEY = 'what all replicas of this test know';
const ENV = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
const PATIENCE = { timeout: 60_000, interval: 50 };
const RELEASES = Array.from({ length: 7 }, (_, at) => tinyWheel('alpha', `${at + 1}.0`));
const [FIRST, SECOND] = RELEASES;
if (FIRST === undefined || SECOND === undefined) throw new Error('there are releases');
/** By this machine's clock in a long time. */
const AHEAD = 4_000_000_000;

let directory: string;
let pypi: FakePypi;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-fleet-'));
  await writeFile(join(directory, 'seal.key'), SEAL_KEY);
  pypi = await startFakePypi();
});
afterEach(async () => {
  await pypi.close();
  await rm(directory, { recursive: true });
});

const sharing = (store: string) => [
  ...['--seal-key-file', join(directory, 'seal.key')],
  ...['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${store}`],
];
const unsigned = (store: string) => [
  ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
  ...sharing(store),
];
async function serve(name: string, flags: readonly string[]): Promise<RunningVerbatim> {
  const server = await startVerbatim(flags, join(directory, name), { env: ENV });
  onTestFinished(() => server.close());
  return server;
}
const run = (name: string, flags: readonly string[], ...words: readonly string[]) =>
  verbatimWith(ENV, ...words, ...flags, '--data', join(directory, name), '--json');
/** What a replica has of the index, beside it. */
const remembered = <T>(name: string, work: (state: IndexState) => Promise<T>) =>
  withState(join(directory, name), work, { sealKey: Buffer.from(SEAL_KEY) });
const page = ({ simple }: RunningVerbatim) =>
  fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
/** What it lists, or the status of its refusal. */
async function listed(server: RunningVerbatim): Promise<string> {
  const answer = await page(server);
  const body = await answer.text();
  if (!answer.ok) return String(answer.status);
  const { files }: { files: readonly { filename: string }[] } = JSON.parse(body);
  return files.map(({ filename }) => filename).join(' ');
}

describe('what an operator decides beside one replica', () => {
  it('takes back what a fetch brought in, from its sister as well, also while upstream is away', async () => {
    const s3 = await startS3Server();
    onTestFinished(() => s3.close());
    const flags = [...unsigned(s3.url), '--max-age', '86400'];
    pypi.upload('alpha', FIRST);
    const both = [await serve('one', flags), await serve('two', flags)];
    for (const server of both) expect(await listed(server)).toBe(FIRST.filename);
    const fetched = await remembered(
      'one',
      async (state) => (await state.page('alpha').read())?.value.page?.fetch ?? '',
    );
    pypi.page('alpha', () => ({ status: 502, headers: {}, body: Buffer.from('') }));
    const revoke = ['accept-change', 'main', '--revoke-fetch', fetched, '--reason', 'a bad day'];
    expect(await run('one', flags, ...revoke)).toMatchObject({ code: 0 });
    for (const server of both) await expect.poll(() => listed(server), PATIENCE).toMatch(/^50[23]$/);
    const pins = () => remembered('two', async (state) => (await state.pins('alpha').read())?.value.size);
    expect((await pins()) ?? 0).toBe(0);
  });

  it('about a clock that was ahead lets the whole fleet go on', async () => {
    const s3 = await startS3Server();
    onTestFinished(() => s3.close());
    const rig = await startSignedRig({
      fill: (signed) => signed.upload('alpha', FIRST),
      clock: createClock(AHEAD),
      seal: { key: join(directory, 'seal.key'), epoch: join(directory, 'epoch') },
    });
    onTestFinished(() => rig.close());
    await rig.page('alpha');
    await rig.stop();
    await cp(rig.data(), join(directory, 'one'), { recursive: true });
    const root = join(directory, 'root.json');
    await writeFile(root, rig.published('metadata/1.root.json'));
    const from = rig.upstream.url;
    const flags = [...['--upstream', from, '--root', root, '--layout', 'pep458'], ...sharing(s3.url)];
    // It founds the fleet with what it remembers.
    const both = [await serve('one', flags), await serve('two', flags)];
    for (const server of both) expect(await listed(server)).toBe('503');
    expect(await run('one', flags, 'accept-clock', '--reason', 'the battery was empty')).toMatchObject({ code: 0 });
    for (const server of both) await expect.poll(() => listed(server), PATIENCE).toBe(FIRST.filename);
    const floorIn = (name: string) => remembered(name, ({ trust }) => trust.clockFloor());
    await expect.poll(async () => (await floorIn('two'))?.words, PATIENCE).toBe(1);
    expect((await floorIn('two'))?.at).toBeLessThan(AHEAD);
  });
});

it('two replicas whose store is killed, stopped and started again lower nothing, and agree when it is back', async () => {
  const gateway = await startVersitygw();
  onTestFinished(() => gateway.close());
  const flags = [...unsigned(gateway.url), '--max-age', '0'];
  const book = new AnswerBook();
  let count = 0;
  const publish = () => {
    const wheel = RELEASES[count++];
    if (wheel === undefined) throw new Error('there are no more');
    const names = RELEASES.slice(0, count).map(({ filename }) => filename);
    book.published('alpha', count, new Map([['page', [names.join(' ')]]]));
    pypi.upload('alpha', wheel);
  };
  publish();
  const servers = { one: await serve('one', flags), two: await serve('two', flags) };
  const look = async () => {
    for (const [replica, server] of Object.entries(servers))
      await book.answer(replica, 'alpha', async () => {
        const names = await listed(server);
        return /^\d+$/.test(names) ? undefined : { thing: 'page', sha256: names };
      });
  };
  const agreed = async () => {
    const names = RELEASES.slice(0, count).map(({ filename }) => filename);
    for (const server of Object.values(servers))
      await expect.poll(() => listed(server), PATIENCE).toBe(names.join(' '));
  };
  book.together();
  await look();
  publish();
  await agreed();
  await look();
  book.apart();
  gateway.stall();
  publish();
  await look();
  gateway.goOn();
  await agreed();
  await gateway.kill();
  publish();
  await look();
  await look();
  await gateway.again();
  publish();
  await agreed();
  book.together();
  publish();
  await agreed();
  await look();
  book.holds(5);
  for (const [name, server] of Object.entries(servers)) {
    await server.close();
    expect(await run(name, flags, 'verify')).toMatchObject({ code: 0 });
  }
});
