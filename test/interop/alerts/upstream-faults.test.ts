import { afterAll, beforeAll, describe, it } from 'vitest';
import { FaultWalk, type Watched } from '../../rigs/fault-walk.ts';
import { LONGEST_WALK } from '../../rigs/prometheus.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { PROMETHEUS } from '../../support/promtool.ts';
import { requirePart } from '../../support/python.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Upstream goes away or says what cannot be read, and the mirror itself ends, seen by a real Prometheus.

let walk: FaultWalk;
let pypi: FakePypi;
let mirror: Watched;

beforeAll(async () => {
  walk = await FaultWalk.begin();
  pypi = await startFakePypi({ maxAge: 1 });
  for (const name of ['alpha', 'beta']) pypi.upload(name, tinyWheel(name));
  mirror = await walk.mirror('mirror', ['--upstream', `${pypi.url}simple/`], { serving: ['--max-age', '1'] });
  await mirror.ask('/simple/alpha/');
  mirror.meanwhile(() => mirror.ask('/simple/alpha/'));
  await walk.watch();
});
afterAll(async () => {
  await walk.close();
  await pypi.close();
});

describe.runIf(requirePart('prometheus', PROMETHEUS))('a Prometheus that watches a mirror and its upstream', () => {
  it(
    'tells of an upstream that is away, of what grows old, and of answers that are errors',
    async () => {
      let calm = () => {};
      await walk.through({
        alerts: [
          ['VerbatimUpstreamFailing', 'mirror'],
          ['VerbatimStale', 'mirror'],
          ['VerbatimErrors', 'mirror'],
        ],
        async strike() {
          pypi.index.fault('*', { kind: 'reset' });
          calm = mirror.meanwhile(() => mirror.ask('/simple/beta/'));
        },
        async repair() {
          calm();
          pypi.heal();
        },
      });
    },
    LONGEST_WALK,
  );

  it(
    'tells of a page that is not believed, and of what stands in',
    async () => {
      await walk.through({
        alerts: [['VerbatimHeldBack', 'mirror']],
        also: [['VerbatimStale', 'mirror']],
        strike: async () => pypi.page('alpha', (answer) => ({ ...answer, body: Buffer.from('{') })),
        repair: async () => pypi.heal(),
      });
    },
    LONGEST_WALK,
  );

  it(
    'tells of a mirror that is not there',
    async () => {
      await walk.through({
        alerts: [['VerbatimDown', 'mirror']],
        strike: mirror.stop,
        repair: mirror.start,
      });
    },
    LONGEST_WALK,
  );
});
