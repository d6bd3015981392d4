import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../src/bundle/format/keys.ts';
import { instantText } from '../../../src/bytes/instant.ts';
import { FaultWalk, type Watched } from '../../rigs/fault-walk.ts';
import { LONGEST_WALK } from '../../rigs/prometheus.ts';
import { DAY } from '../../support/clock.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { PROMETHEUS } from '../../support/promtool.ts';
import { requirePart } from '../../support/python.ts';
import { now, type Rig, startRig } from '../../support/rig.ts';
import { Sender, signingKey } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';
import { verbatim } from '../../support/verbatim.ts';

// Roles that nobody signs again, replicas that are shown different things, clocks that differ, and bundles that stopped coming.

let walk: FaultWalk;
let rig: Rig;
/** Where the far replica reads the signed index: what it had when it was frozen. */
let edge: TestUpstream;
let frozen: ReadonlyMap<string, Uint8Array> | undefined;
let pypi: FakePypi;
/** Seconds by which the clock of the unsigned index is wrong. */
let wrongBy = 0;
let sender: Sender;
let clock: Watched;
let carried: Watched;
/** Of the carried one. */
let config: string;

beforeAll(async () => {
  walk = await FaultWalk.begin();
  rig = await startRig({ wheels: [] });
  rig.index.upload('alpha', tinyWheel('alpha'));
  rig.index.publish();
  edge = await startUpstream({ files: { get: (path) => (frozen ?? rig.index.repository.files).get(path) } });
  pypi = await startFakePypi({ maxAge: 1, time: () => now() - wrongBy });
  pypi.upload('alpha', tinyWheel('alpha'));
  const signed = ({ url }: TestUpstream) => [
    ...['--upstream', url, '--root', rig.root, '--layout', 'pep458', '--refresh', '1'],
    ...['--files-url', `${url}targets/`, '--pages-url', `${url}targets/`],
  ];
  const replicas = [await walk.mirror('near', signed(rig.upstream)), await walk.mirror('far', signed(edge))];
  clock = await walk.mirror('clock', ['--upstream', `${pypi.url}simple/`, '--max-age', '1']);
  for (const mirror of [...replicas, clock]) {
    expect(await mirror.ask('/simple/alpha/')).toBe(200);
    mirror.meanwhile(() => mirror.ask('/simple/alpha/'));
  }
  await beginToCarry();
  await walk.watch();
});
afterAll(async () => {
  await walk.close();
  await Promise.all([rig.close(), edge.close(), pypi.close()]);
});

/** A mirror of an index that is carried in, with a first bundle of today. */
async function beginToCarry(): Promise<void> {
  const key: SigningKey = await signingKey();
  sender = new Sender([key], now());
  sender.put('alpha', tinyWheel('alpha'));
  config = join(walk.directory, 'carried.yaml');
  const arrives = { keys: [{ name: 'outside', ed25519: key.public }], max_age: 30 };
  await writeFile(
    config,
    JSON.stringify({ data: 'carried', indexes: { main: { evidence: 'index', import: arrives } } }),
  );
  carried = await walk.mirror('carried', ['--config', config]);
}

/** The next bundle, of a state that is so many days old. */
async function bring(days: number): Promise<void> {
  const time = instantText(now() - days * DAY);
  const path = join(walk.directory, `${days}.tar`);
  await writeFile(path, (await sender.bundle({ header: { stateAt: time, referenceTime: time } })).whole);
  expect(await verbatim('import', path, '--config', config)).toMatchObject({ code: 0 });
}

const expiring = (days: number) => (document: { expires: string }) => {
  document.expires = instantText(now() + days * DAY);
};

describe.runIf(requirePart('prometheus', PROMETHEUS))('a Prometheus that watches what mirrors believe', () => {
  it(
    'tells of roles that expire, replicas that disagree, clocks that differ and bundles that grow old',
    async () => {
      let calls: readonly (() => void)[] = [];
      await walk.through({
        alerts: [
          ['VerbatimRootExpiring', 'near'],
          ['VerbatimRootExpiresSoon', 'near'],
          ['VerbatimReplicasDisagree', 'near'],
          ['VerbatimReplicasDisagree', 'far'],
          ['VerbatimClock', 'clock'],
          ['VerbatimImportOld', 'carried'],
        ],
        async strike() {
          frozen = new Map(rig.index.repository.files);
          rig.index.repository.publishRoot({ root: expiring(2) });
          rig.index.publish();
          wrongBy = 600;
          // It is looked once a minute, or when told to.
          calls = [clock, carried].map(({ pid, meanwhile }) => meanwhile(() => process.kill(pid(), 'SIGHUP'), 1000));
          await bring(25);
        },
        async repair() {
          frozen = undefined;
          rig.index.repository.publishRoot();
          rig.index.publish();
          wrongBy = 0;
          await bring(0);
        },
      });
      for (const call of calls) call();
    },
    LONGEST_WALK,
  );
});
