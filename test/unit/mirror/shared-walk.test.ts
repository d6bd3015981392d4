import { expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createBackground } from '../../../src/async/background.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import type { CommonMetadata } from '../../../src/mirror/common-documents.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { FlooredClock } from '../../../src/mirror/tuf/clock-floor.ts';
import { Keeper } from '../../../src/mirror/tuf/keeper.ts';
import type { UpstreamMetadata } from '../../../src/ports/upstream.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { client } from '../../support/callers.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { createSimulator } from '../../support/simulator.ts';

// A walk over what other replicas had is walked again over upstream's own only where theirs may be what was wrong.

type Asked = Parameters<UpstreamMetadata['read']>[0];

/** What a refresh came to, how often upstream was asked for its timestamp, and what was said of the others. */
async function refreshing(given: (asked: string) => Uint8Array | undefined, targets: () => Promise<Uint8Array>) {
  const simulator = createSimulator();
  const judged: boolean[] = [];
  const shared: CommonMetadata = {
    metadata: async (role, version) => given(`${version}.${role}.json`),
    keepMetadata: () => undefined,
    judged: (held) => void judged.push(held),
  };
  let timestamps = 0;
  const read = (asked: Asked) => {
    if (asked.role === 'timestamp') timestamps++;
    return asked.role === 'targets' ? targets() : simulator.source.read(asked);
  };
  const { clock } = simulator;
  const keeper = await Keeper.open({
    index: 'main',
    pinnedRoot: simulator.rootBytes(1),
    store: createIndexState({ storage: createMemoryState().party(), index: 'main' }).trust,
    source: () => ({ read }),
    clock: new FlooredClock(clock, 0),
    runner: runToEnd,
    reports: createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock }),
    background: createBackground(),
    offline: false,
    refreshAfter: 60,
    shared,
  });
  const reason = await keeper.refresh(client()).then(
    () => 'refreshed',
    (error: unknown) => (error instanceof Refusal ? error.reason : String(error)),
  );
  return { reason, timestamps, judged };
}

const snapshot = (asked: string) =>
  asked === '1.snapshot.json' ? createSimulator().bytes('1.snapshot.json') : undefined;
const wrong = async () => Buffer.from('{}');

it('upstream that cannot be reached says nothing of what the others had', async () => {
  const away = () => Promise.reject(new Refusal('unreachable', 'Upstream is away.', { transient: true }));
  expect(await refreshing(snapshot, away)).toEqual({ reason: 'unreachable', timestamps: 1, judged: [] });
});

it('what upstream alone had wrong is not asked for again', async () => {
  const { reason, timestamps, judged } = await refreshing(() => undefined, wrong);
  expect([reason, timestamps, judged]).toEqual([expect.not.stringMatching('refreshed'), 1, []]);
});

it('what is wrong where the others gave something is walked again without them', async () => {
  const { timestamps, judged } = await refreshing(snapshot, wrong);
  expect([timestamps, judged]).toEqual([2, [false]]);
});
