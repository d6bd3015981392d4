import { expect, it } from 'vitest';
import { followPeer } from '../../../src/app/fleet/follow-peer.ts';
import { noEvents } from '../../../src/app/no-events.ts';
import { ToldState } from '../../../src/app/processes/told-state.ts';
import type { RunningIndex } from '../../../src/mirror/create-index.ts';
import type { ServedPage } from '../../../src/mirror/package-index.ts';
import type { DocumentAnswer } from '../../../src/ports/upstream.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { client } from '../../support/callers.ts';
import { createLeaseService, TERM } from '../../support/memory-lease.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';
import { all } from '../../support/volume-harness.ts';

// Processes on one data directory: what one of them has from upstream the others need not ask for.

const WHEEL = 'alpha-1.0-py3-none-any.whl';
const listOf = (...names: readonly string[]) =>
  answerOf(Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, projects: names.map((name) => ({ name })) })));

/** Two indexes over the same state, each of which hears what the other wrote. */
async function startTwo() {
  const service = createLeaseService();
  const state = createMemoryState();
  const followed: Promise<void>[] = [];
  const asked: { readonly url: string; answer(answer: DocumentAnswer): void; fail(): void }[] = [];
  let now = 1_000_000;
  const indexes: RunningIndex[] = [];
  const parties = ['one', 'other'].map((name) => service.party(name));
  for (const [at, lease] of parties.entries()) {
    const storage = new ToldState(state.party(), {
      async tell(news) {
        const others = indexes.filter((_, other) => other !== at);
        followed.push(followPeer({ indexes: others, blobs: { follow: () => undefined } }, news, noEvents));
        await Promise.all(followed);
      },
    });
    const document = ({ url }: { readonly url: string }) =>
      new Promise<DocumentAnswer>((answer, reject) => {
        asked.push({ url, answer, fail: () => reject(new Error('upstream is away')) });
      });
    const own = createIndexState({ storage, index: 'main', projectBytes: 1e9, pinsInMemory: 100 });
    indexes.push(await unsignedIndex({ now: () => now, upstream: { document }, state: own, lease }));
  }
  const [one, other] = indexes;
  if (one === undefined || other === undefined) throw new Error('there are two');
  const pass = (seconds: number) => {
    now += seconds;
  };
  return { one, other, parties, service, asked, pass, indexes };
}

const textOf = async ({ page }: ServedPage) => Buffer.concat(await all(page.plain('json'))).toString();
const names = async (index: RunningIndex) => textOf(await index.list(client()));

it('a page that several processes want at once is asked for once', async () => {
  const { asked, indexes } = await startTwo();
  const pages = indexes.map((index) => index.page('alpha', client()));
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  asked[0]?.answer(answerOf(pageOf([WHEEL])));
  for (const page of await Promise.all(pages)) expect(await textOf(page)).toContain(WHEEL);
  expect(asked).toHaveLength(1);
});

it('so is the list of all projects', async () => {
  const { asked, indexes } = await startTwo();
  const lists = indexes.map(names);
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  asked[0]?.answer(listOf('alpha'));
  for (const list of await Promise.all(lists)) expect(list).toContain('alpha');
  expect(asked).toHaveLength(1);
});

it('what one had is not asked for by another that was about to', async () => {
  const { one, other, parties, asked } = await startTwo();
  // Nobody else asks by now; whoever comes next has looked before.
  const holding = await parties[0]?.take('page ["main","alpha"]');
  const late = other.page('alpha', client());
  const first = one.page('alpha', client());
  if (holding?.held === true) await holding.release();
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  asked[0]?.answer(answerOf(pageOf([WHEEL])));
  await Promise.all([first, late]);
  expect(asked).toHaveLength(1);
});

it('one that failed, or is gone, is followed by the next', async () => {
  const { one, other, asked, parties, service } = await startTwo();
  const first = one.page('alpha', client());
  await expect.poll(() => asked.length).toBe(1);
  const second = other.page('alpha', client());
  asked[0]?.fail();
  await expect(first).rejects.toThrow('away');
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer(answerOf(pageOf([WHEEL])));
  await second;
  const stopped = one.page('beta', client()).catch(() => undefined);
  await expect.poll(() => asked.length).toBe(3);
  const next = other.page('beta', client()).catch((error: unknown) => error);
  parties[0]?.die();
  service.pass(TERM + 1);
  await expect.poll(() => asked.length).toBe(4);
  asked[3]?.answer({ kind: 'absent' });
  expect(await next).toMatchObject({ reason: 'unlisted' });
  asked[2]?.answer({ kind: 'absent' });
  await stopped;
});

it('a list that one of them refreshed is served by the others', async () => {
  const { one, other, asked, pass } = await startTwo();
  const first = names(one);
  await expect.poll(() => asked.length).toBe(1);
  asked[0]?.answer(listOf('alpha'));
  expect(await first).toContain('alpha');
  expect(await names(other)).toContain('alpha');
  pass(601);
  expect(await names(one)).not.toContain('beta');
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.answer(listOf('alpha', 'beta'));
  await expect.poll(() => names(other)).toContain('beta');
  expect(await names(one)).toContain('beta');
  expect(asked).toHaveLength(2);
});
