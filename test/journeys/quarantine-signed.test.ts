import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { quarantineConditions } from '../../src/app/conditions/quarantine.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { startS3Server } from '../support/s3-server.ts';
import { withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatimWith } from '../support/verbatim.ts';

// Quarantine holds on every way to a file: below its page, as a target, and at each replica that shares the state.

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

let rig: SignedRig | undefined;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  for (const close of closers.splice(0).reverse()) await close();
});

const start = async () => {
  rig = await startSignedRig({
    fill: (signed) => {
      signed.upload('alpha', ALPHA, NEWER);
      signed.upload('beta', BETA);
    },
  });
  return rig;
};
const target = (from: SignedRig, file: typeof ALPHA) => `/tuf/targets${from.storedFile(file)}`;

describe('a signed index', () => {
  it('of which nothing is in quarantine is told of nowhere', async () => {
    expect(await quarantineConditions([(await start()).index()])).toEqual([]);
  });

  it('that quarantines a project has no file of it served, as a target or otherwise, though its targets are still signed', async () => {
    const signed = await start();
    for (const file of [ALPHA, BETA])
      expect((await signed.get(target(signed, file))).body.equals(file.bytes)).toBe(true);
    const page = JSON.parse(Buffer.from(signed.signed.page('alpha')).toString());
    const reason = 'malware';
    signed.signPage(
      'alpha',
      Buffer.from(JSON.stringify({ ...page, 'project-status': { status: 'quarantined', reason } })),
    );
    await signed.publish();
    for (const file of [ALPHA, NEWER]) {
      expect(await signed.refused(target(signed, file))).toBe('403 policy');
      expect((await signed.get(target(signed, file), { method: 'HEAD' })).status).toBe(403);
      expect(await signed.refused(signed.path(file))).toBe('403 policy');
    }
    expect((await signed.get(target(signed, BETA))).status).toBe(200);
    // The page itself is what upstream signed: it says that the project is in quarantine.
    expect((await signed.get(`/tuf/targets${signed.storedPage('alpha')}`)).body.toString()).toContain('quarantined');
  });

  it('has no target served of a version that an operator put in quarantine, and all others', async () => {
    const signed = await start();
    expect((await signed.get(target(signed, NEWER))).status).toBe(200);
    await withState(signed.data(), (state) =>
      state.quarantine('alpha').change(() => [{ version: '2.0', reason: 'ticket 7', at: signed.clock.now() }]),
    );
    await signed.index().judgeAgain('alpha');
    expect(await signed.refused(target(signed, NEWER))).toBe('403 policy');
    expect((await signed.index().tally()).quarantined).toBe(1);
    expect(await quarantineConditions([signed.index()])).toEqual([
      {
        what: 'quarantined',
        index: 'main',
        thing: '',
        message: expect.stringContaining('word: 1 project or version ('),
      },
    ]);
    expect(await signed.names('alpha')).toEqual([ALPHA.filename]);
    expect((await signed.get(target(signed, ALPHA))).status).toBe(200);
    await signed.restart();
    expect(await signed.refused(target(signed, NEWER))).toBe('403 policy');
    expect((await signed.get(target(signed, BETA))).status).toBe(200);
  });
});

describe('replicas that share their state', () => {
  it('all keep from being served what was put in quarantine beside one of them', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-quarantine-'));
    closers.push(() => rm(directory, { recursive: true }));
    await writeFile(join(directory, 'seal.key'), 'what all replicas of this test know');
    const pypi = await startFakePypi();
    closers.push(() => pypi.close());
    pypi.upload('alpha', ALPHA);
    const s3 = await startS3Server();
    closers.push(() => s3.close());
    const env = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
    const flags = [
      ...['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`],
      ...['--seal-key-file', join(directory, 'seal.key')],
      ...['--fleet-state', `s3://${S3_BUCKET}/fleet?endpoint=${s3.url}`],
    ];
    const serve = async (name: string) => {
      const server = await startVerbatim([...flags, '--max-age', '86400'], join(directory, name), { env });
      closers.push(() => server.close());
      return server;
    };
    const [one, other] = [await serve('one'), await serve('other')];
    const status = async ({ simple }: RunningVerbatim) => {
      const answer = await fetch(new URL(pypi.storedAt(ALPHA), simple));
      await answer.arrayBuffer();
      return answer.status;
    };
    for (const server of [one, other]) expect(await status(server)).toBe(200);
    const words = ['quarantine', 'main', 'alpha==1.0', '--reason', 'ticket 7', ...flags];
    const run = (...more: readonly string[]) => verbatimWith(env, ...words, ...more, '--data', join(directory, 'one'));
    expect(await run()).toMatchObject({ code: 0 });
    expect(await status(one)).toBe(403);
    await vi.waitFor(async () => expect(await status(other)).toBe(403), { timeout: 60_000, interval: 100 });
    expect(await run('--lift')).toMatchObject({ code: 0 });
    await vi.waitFor(async () => expect(await status(other)).toBe(200), { timeout: 60_000, interval: 100 });
  }, 180_000);
});
