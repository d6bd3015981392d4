import { expect, it } from 'vitest';
import { createBackground } from '../../../src/async/background.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type Believed, makeBelieved } from '../../../src/mirror/believed.ts';
import { Breaker } from '../../../src/mirror/projects/breaker.ts';
import type { Drawing } from '../../../src/mirror/projects/drawing.ts';
import { KeptDocuments } from '../../../src/mirror/projects/kept-documents.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { client } from '../../support/callers.ts';
import { createClock } from '../../support/clock.ts';
import { createRecorder } from '../../support/recorder.ts';

const UNSEEN = { fetch: undefined, final: true, repeated: false };

function believed(name: string, from: 'disk' | 'upstream'): Believed<undefined> {
  const source = { sha256: 'a', url: '', serial: undefined, weight: 0, read: async () => new Uint8Array() };
  return makeBelieved('index', { name, source, observation: UNSEEN, from, proof: undefined });
}

const drawingOf = (of: Believed<undefined>): Drawing<undefined, string> => ({
  believed: of,
  view: 'whole',
  settled: true,
  until: undefined,
  policy: '1',
  pins: 'p',
  weight: 1,
});

/** Documents whose state answers when the test says so. */
function start(recalled: readonly Promise<Believed<undefined> | undefined>[]) {
  const clock = createClock();
  const { emit } = createRecorder();
  const reports = createReports({ index: 'main', emit, clock, journal: { note: () => undefined } });
  const [recalls, asked, drawn] = [[...recalled], [] as string[], [] as string[]];
  const documents = new KeptDocuments<undefined, string>({
    ...{ index: 'main', subject: 'page', clock, reports, memory: 1000, background: createBackground() },
    breaker: new Breaker({ clock, reports, offline: false }),
    absent: () => new Refusal('unlisted', 'There is none.'),
    evidence: {
      kind: 'index',
      isAskedByName: true,
      recall: async () => recalls.shift(),
      async ask(name) {
        asked.push(name);
        return believed(name, 'upstream');
      },
      standing: (one) => ({ standing: 'fresh', believed: one }),
      life: () => undefined,
      outlives: () => false,
      digests: async (one) => ({ known: new Map(), believed: one }),
      voucher: async () => undefined,
      explain: async () => ({ target: '', chain: [], forgeableOnline: [] }),
      status: async () => ({ upstream: '', layout: '', lastRefresh: undefined, lastError: undefined, roles: [] }),
    },
    drawer: {
      async draw(one) {
        drawn.push(one.name);
        return drawingOf(one);
      },
      restore: async () => undefined,
      isWhole: () => true,
      lean: (drawing) => drawing,
      under: (drawing) => drawing,
      again: async () => undefined,
      isDue: () => false,
      isOutdated: () => false,
      gone: () => undefined,
    },
  });
  return { documents, asked, drawn };
}

it.each([
  ['has none', undefined],
  ['has it as well', believed('alpha', 'disk')],
])('what came from upstream while our own state was asked is not asked for or drawn again: it %s', async (_, state) => {
  const slow = Promise.withResolvers<Believed<undefined> | undefined>();
  const { documents, asked, drawn } = start([slow.promise]);
  const waiting = documents.find('alpha', client());
  await documents.again(believed('alpha', 'upstream'), client());
  slow.resolve(state);
  expect((await waiting).how).toBe('disk');
  expect([asked, drawn]).toEqual([['alpha'], ['alpha']]);
});
