import { expect, it } from 'vitest';
import { createBackground } from '../../../src/async/background.ts';
import type { Caller } from '../../../src/async/caller.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type Believed, makeBelieved } from '../../../src/mirror/believed.ts';
import type { Standing } from '../../../src/mirror/evidence.ts';
import { SUPERSEDED_MOST } from '../../../src/mirror/limits.ts';
import { Breaker } from '../../../src/mirror/projects/breaker.ts';
import type { Drawing } from '../../../src/mirror/projects/drawing.ts';
import { KeptDocuments } from '../../../src/mirror/projects/kept-documents.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { Superseded } from '../../../src/ports/index-state.ts';
import { client, leavingClient } from '../../support/callers.ts';
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

interface Behaviour {
  /** Upstream's word. */
  readonly ask?: (caller: Caller) => Promise<Believed<undefined>>;
  readonly draw?: () => Promise<void>;
  readonly standing?: Standing;
  readonly isDue?: boolean;
  readonly isOutdated?: boolean;
}

/** Documents whose state answers when the test says so. */
function start(recalled: readonly Promise<Believed<undefined> | undefined>[], behaviour: Behaviour = {}) {
  const clock = createClock();
  const { emit } = createRecorder();
  const reports = createReports({ index: 'main', emit, clock, journal: { note: () => undefined } });
  const [recalls, asked, drawn] = [[...recalled], [] as string[], [] as string[]];
  const documents = new KeptDocuments<undefined, string>({
    ...{ index: 'main', subject: 'page', clock, reports, memory: 100_000, background: createBackground() },
    backOffCold: true,
    breaker: new Breaker({ clock, reports, offline: false }),
    absent: () => new Refusal('unlisted', 'There is none.'),
    evidence: {
      kind: 'index',
      isAskedByName: true,
      recall: async () => recalls.shift(),
      async ask(name, _known, caller) {
        asked.push(name);
        return (await behaviour.ask?.(caller)) ?? believed(name, 'upstream');
      },
      standing: (one) => ({ standing: behaviour.standing ?? 'fresh', believed: one }),
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
        await behaviour.draw?.();
        return drawingOf(one);
      },
      // What was stored lies there drawn.
      restore: async (one) => (one.from === 'disk' && behaviour.draw !== undefined ? drawingOf(one) : undefined),
      isWhole: () => true,
      lean: (drawing) => drawing,
      under: (drawing) => drawing,
      again: async () => undefined,
      isDue: () => behaviour.isDue ?? false,
      isOutdated: () => behaviour.isOutdated ?? false,
      gone: async () => undefined,
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

it('what is being read counts as remembered: what others say of it meanwhile is not in it', async () => {
  const slow = Promise.withResolvers<Believed<undefined> | undefined>();
  const { documents } = start([slow.promise, Promise.resolve(believed('alpha', 'disk'))]);
  expect(documents.isRemembered('alpha')).toBe(false);
  const waiting = documents.find('alpha', client());
  expect([documents.isRemembered('alpha'), documents.isRemembered('beta')]).toEqual([true, false]);
  // Somebody says something new of it: memory begins anew, without what was being read.
  const followed = documents.follow('alpha', client());
  slow.resolve(believed('alpha', 'disk'));
  await Promise.all([waiting, followed]);
  expect(documents.isRemembered('alpha')).toBe(false);
  await documents.find('alpha', client());
  expect(documents.isRemembered('alpha')).toBe(true);
});

const unreachable = new Refusal('unreachable', 'Upstream does not answer.', { transient: true });
const failing = (error: Error) => async () => {
  throw error;
};
const onDisk = () => [Promise.resolve(believed('alpha', 'disk'))];

it('what was never had is not asked for again right after upstream failed', async () => {
  const { documents, asked } = start([], { ask: failing(unreachable) });
  await expect(documents.find('alpha', client())).rejects.toBe(unreachable);
  await expect(documents.find('alpha', client())).rejects.toBe(unreachable);
  expect(asked).toEqual(['alpha']);
});

it('what is expired is not asked for again right after upstream failed', async () => {
  const { documents, asked } = start(onDisk(), { ask: failing(unreachable), standing: 'expired' });
  await expect(documents.find('alpha', client())).rejects.toBe(unreachable);
  await expect(documents.find('alpha', client())).rejects.toBe(unreachable);
  expect(asked).toEqual(['alpha']);
});

it.each(['clock', 'unlisted'] as const)(
  'nothing stands in for a document that is refused by reason %s',
  async (reason) => {
    const refusal = new Refusal(reason, 'It may not be served.');
    const { documents } = start(onDisk(), { ask: failing(refusal), standing: 'stale-if-error' });
    await expect(documents.find('alpha', client())).rejects.toBe(refusal);
  },
);

it('an older document stands in where upstream fails in another way', async () => {
  const { documents } = start(onDisk(), { ask: failing(unreachable), standing: 'stale-if-error' });
  expect((await documents.find('alpha', client())).how).toBe('disk');
});

it('nobody is served in the place of upstream who has left', async () => {
  const { caller, leave } = leavingClient();
  const isAsked = Promise.withResolvers<void>();
  const { documents } = start(onDisk(), {
    standing: 'stale-if-error',
    ask: ({ signal }) => {
      isAsked.resolve();
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const found = documents.find('alpha', caller);
  await isAsked.promise;
  leave();
  await expect(found).rejects.toThrow('left');
});

it('a drawing that is due is served as it was where drawing it again fails, and not where it may not be', async () => {
  const drawAgain = (error: Error, isOutdated = false) => {
    const { documents } = start(onDisk(), { draw: failing(error), isDue: true, isOutdated });
    return documents.find('alpha', client());
  };
  expect((await drawAgain(unreachable)).how).toBe('disk');
  await expect(drawAgain(unreachable, true)).rejects.toBe(unreachable);
  const wrongClock = new Refusal('clock', 'The clock is wrong.');
  await expect(drawAgain(wrongClock)).rejects.toBe(wrongClock);
});

it('gives way to others that change what is stored so often, and then refuses', async () => {
  const { documents, asked } = start([], { draw: failing(new Superseded('alpha')) });
  await expect(documents.find('alpha', client())).rejects.toThrow('again and again');
  expect(asked).toHaveLength(SUPERSEDED_MOST + 1);
});
