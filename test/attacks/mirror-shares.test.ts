import { afterEach, describe, expect, it } from 'vitest';
import { addressOf, type CrowdRig, descriptors, projectOf, startCrowdRig, wheelOf } from '../rigs/crowd-rig.ts';
import type { Answered } from '../support/ask.ts';

// Hostile and honest clients together: whoever stalls, floods, crawls or leaves takes nothing from those who ask for little.

let rig: CrowdRig;
afterEach(() => rig.close());

const HONEST = 12;
/** Clients of the hostile have other addresses. */
const honestAddress = (n: number) => addressOf(1000 + n);

const fileOf = (pypi: CrowdRig['main'], n: number) => pypi.storedAt(wheelOf(n));

/** Each honest client reads a page that nobody read before, and its file. */
async function honest(from = 0): Promise<readonly Answered[]> {
  const clients = Array.from({ length: HONEST }, async (_, n) => {
    const asking = { from: honestAddress(n) };
    const page = await rig.get(`/simple/${projectOf(from + n)}/`, asking);
    const file = await rig.get(fileOf(rig.main, from + n), asking);
    expect([page.status, file.status]).toEqual([200, 200]);
    expect(file.body.equals(wheelOf(from + n).bytes)).toBe(true);
    return [page, file];
  });
  return (await Promise.all(clients)).flat();
}

const statuses = (answers: readonly Answered[]) => [...new Set(answers.map(({ status }) => status))];

/** Requests whose answers nobody needs; `leave` ends their connections. */
function crowd(paths: readonly string[], addressOfOne: (n: number) => string) {
  const leaving = new AbortController();
  const answers = paths.map((path, n) =>
    rig.get(path, { from: addressOfOne(n), signal: leaving.signal }).catch(() => undefined),
  );
  return {
    answers,
    async leave() {
      leaving.abort();
      await Promise.all(answers);
    },
  };
}

const otherFiles = (count: number) => Array.from({ length: count }, (_, n) => `/other${fileOf(rig.other, n)}`);
const isBusy = (queue: string, index: string) => () =>
  rig.queues().find((one) => one.queue === queue && one.index === index)?.gate.usage.busy ?? 0;

const hostile: Readonly<Record<string, () => Promise<{ leave(): Promise<void> }>>> = {
  async 'an index whose files never come'() {
    rig.other.files.fault('*', { kind: 'stall', at: 'headers' });
    const slow = crowd(otherFiles(60), addressOf);
    await expect.poll(isBusy('downloads', 'other'), { interval: 5 }).toBe(24);
    return slow;
  },
  async 'an index whose pages never come'() {
    rig.other.index.fault('*', { kind: 'stall', at: 'headers' });
    const pages = Array.from({ length: 60 }, (_, n) => `/other/simple/never-${n}/`);
    const slow = crowd(pages, addressOf);
    await expect.poll(isBusy('documents', 'other'), { interval: 5 }).toBe(32);
    return slow;
  },
  async 'a client that crawls everything'() {
    const pages = Array.from({ length: 300 }, (_, n) => `/simple/made-up-${n}/`);
    return crowd(pages, () => addressOf(0));
  },
  async 'clients that leave in the middle of their downloads'() {
    rig.other.files.fault('*', { kind: 'stall', at: 1000 });
    const left = crowd(otherFiles(60), addressOf);
    await expect.poll(isBusy('downloads', 'other'), { interval: 5 }).toBe(24);
    await left.leave();
    return left;
  },
};

describe('honest clients are all served, and nothing is left behind, beside', () => {
  const mixture = Object.keys(hostile).join(', ');
  it.each([...Object.keys(hostile), mixture])('%s', async (names) => {
    rig = await startCrowdRig({ projects: 60 + 2 * HONEST });
    expect(statuses(await honest())).toEqual([200]);
    await expect.poll(rig.isQuiet, { interval: 5 }).toBe(true);
    const before = await descriptors();
    const crowds = [];
    for (const [name, begin] of Object.entries(hostile)) if (names.includes(name)) crowds.push(await begin());
    expect(statuses(await honest(HONEST))).toEqual([200]);
    expect(rig.refused503('main')).toBe(0);
    for (const { leave } of crowds) await leave();
    rig.other.heal();
    await expect.poll(rig.isQuiet, { interval: 5 }).toBe(true);
    // Connections to upstream stay open for a while.
    await expect.poll(async () => (await descriptors()) - before, { interval: 20 }).toBeLessThanOrEqual(HONEST);
  });
});

describe('a client whose requests fill the queue', () => {
  it('is refused itself, and no other', async () => {
    rig = await startCrowdRig({ projects: 60, upstreamLimits: { connections: 4, queue: 40 } });
    rig.main.index.fault('*', { kind: 'stall', at: 'headers', time: 20 });
    const pages = Array.from({ length: 200 }, (_, n) => `/simple/made-up-${n}/`);
    const crawl = crowd(pages, () => addressOf(0));
    await expect.poll(() => rig.refused503('main'), { interval: 1 }).toBeGreaterThan(0);
    const answers = await honest();
    expect(statuses(answers)).toEqual([200]);
    const crawled = (await Promise.all(crawl.answers)).map((answer) => answer?.status);
    expect(crawled.filter((status) => status === 503).length).toBe(rig.refused503('main'));
  });

  it('is named in one line, and so is that there is room again', async () => {
    rig = await startCrowdRig({ projects: 1, upstreamLimits: { connections: 2, queue: 4 } });
    rig.main.index.fault('*', { kind: 'stall', at: 'headers', time: 20 });
    const pages = Array.from({ length: 30 }, (_, n) => `/simple/made-up-${n}/`);
    await Promise.all(crowd(pages, () => addressOf(7)).answers);
    expect(rig.events.queued).toMatchObject([
      { index: 'main', queue: 'documents', largest: { index: 'main', party: addressOf(7) } },
      { index: 'main', queue: 'documents', largest: undefined },
    ]);
  });
});

describe('a file name that somebody made up', () => {
  const path = (name: string) => `/packages/aa/bb/${'c'.repeat(60)}/${name}`;

  it('costs upstream one look, however many ways there are to read it', async () => {
    rig = await startCrowdRig({ projects: 1 });
    for (const name of ['a-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16-17.tar.gz', 'a-b-c-d-e-f-g-h-i-j-k-l-m-1.zip']) {
      const asked = rig.main.requests.length;
      expect((await rig.get(path(name))).status).toBe(404);
      expect(rig.main.requests.length - asked).toBe(1);
    }
  });

  it('costs nothing where upstream was asked for its one project a moment ago', async () => {
    rig = await startCrowdRig({ projects: 1 });
    for (let n = 0; n < 20; n++) expect((await rig.get(path(`made_up-1.${n}-py3-none-any.whl`))).status).toBe(404);
    expect(rig.main.requests).toHaveLength(1);
  });

  it('is no hindrance for a file whose project is read otherwise, once its page was asked for', async () => {
    rig = await startCrowdRig({ projects: 1 });
    const odd = { filename: 'odd-1.0-2-3.0.tar.gz', bytes: Buffer.from('odd') };
    for (const project of ['odd', 'odd-1-0-2']) rig.main.upload(project, odd);
    rig.main.removeProject('odd');
    await rig.page('odd-1-0-2');
    expect((await rig.get(rig.main.storedAt(odd))).body.toString()).toBe('odd');
  });
});
