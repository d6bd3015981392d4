import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { IndexState, PageContent, Pin } from '../../../src/ports/index-state.ts';
import { acceptStateLoss } from '../../../src/state/admin/accept-state-loss.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { createPins } from '../../../src/state/pins.ts';
import { trustOf } from '../../crash/work.ts';
import { behindItsBack, damageItem, openState, type StateOptions, sqlPath, withState } from '../../support/state.ts';
import { filesBelow, scratch } from '../../support/volume-harness.ts';

const KEY = Buffer.alloc(32, 'key');
const OTHER = Buffer.alloc(32, 'other');
const PROJECTS = ['demo', 'other'];

const pin = (letter: string): Pin => ({ digests: new Map([['sha256', letter.repeat(64)]]), seen: 1 });
const page = (project: string, serial: number): PageContent => ({
  project,
  bytes: Buffer.from(`page ${serial}`),
  contentType: 'text/html',
  etag: undefined,
  serial,
  seenSerial: serial,
  fetchedAt: 1,
  confirmedAt: 1,
  twice: true,
  fetch: 'f',
});

/** Two of everything, as a mirror would have it. */
async function fill(state: IndexState): Promise<void> {
  await state.facts.change(() => ({ evidence: 'index', createdAt: 1, audit: [] }));
  for (const project of PROJECTS) {
    for (const file of ['f', 'g']) await createPins(state).add(project, new Map([[file, pin('a')]]));
    for (const serial of [1, 2]) await state.page(project).change(() => ({ page: page(project, serial) }));
  }
}

async function filled(options: StateOptions = {}): Promise<string> {
  const data = join(await scratch(), 'data');
  await withState(data, fill, options);
  return data;
}

/** A process that has everything in memory, for the time of the test. */
async function running(data: string, options: StateOptions = {}) {
  const opened = await openState(data, options);
  onTestFinished(opened.close);
  await readAll(opened.state);
  return opened.state;
}

async function readAll(state: IndexState): Promise<void> {
  expect((await state.facts.read())?.value.evidence).toBe('index');
  for (const project of PROJECTS) {
    expect((await createPins(state).of(project)).size).toBe(2);
    expect((await state.page(project).read())?.value.page?.serial).toBe(2);
  }
}

const refused = (options: StateOptions, data: string) =>
  expect(withState(data, readAll, options)).rejects.toMatchObject({ reason: 'state', transient: false });

function accept(data: string, adopt: boolean, options: StateOptions = {}) {
  return withState(
    data,
    (state, { databases, directory }) =>
      acceptStateLoss(databases.state, state, {
        evidence: 'index',
        adopt,
        reason: 'why',
        now: 5,
        keepAs: join(directory, 'lost', 'then'),
      }),
    options,
  );
}

describe('accepting the loss of state', () => {
  it.each([
    ['unsealed', {}],
    ['sealed', { sealKey: KEY }],
  ])('keeps what holds, sets the rest aside, and says so in the audit trail: %s', async (_, options) => {
    const data = await filled(options);
    await damageItem(data, ['main', 'pins', 'demo']);
    await damageItem(data, ['main', 'pages', 'demo']);
    await refused(options, data);
    const loss = await accept(data, false, options);
    expect(loss).toMatchObject({ kept: 3, adopted: 0, setAsideTo: join(data, 'indexes', 'main', 'lost', 'then') });
    expect(loss.setAside.toSorted()).toEqual(['pages/demo', 'pins/demo']);
    expect(await filesBelow(loss.setAsideTo ?? '')).toContain('state.db');
    await withState(
      data,
      async (state) => {
        expect((await createPins(state).of('demo')).size).toBe(0);
        expect((await createPins(state).of('other')).size).toBe(2);
        expect(await state.page('demo').read()).toBeUndefined();
        expect((await state.page('other').read())?.value.page?.serial).toBe(2);
        expect((await state.facts.read())?.value.audit).toEqual([
          { at: 5, action: 'accept-state-loss', reason: 'why' },
        ]);
        // What was lost begins anew.
        await createPins(state).add('demo', new Map([['f', pin('b')]]));
        await state.page('demo').change((was) => (was === undefined ? { page: page('demo', 1) } : undefined));
        expect((await createPins(state).of('demo')).get('f')).toEqual(pin('b'));
        expect((await state.page('demo').read())?.value.page?.serial).toBe(1);
      },
      options,
    );
  });

  it.each([
    ['unsealed', {}],
    ['sealed', { sealKey: KEY }],
  ])('a process that runs goes on, also with what it had in memory: %s', async (_, options) => {
    const data = await filled(options);
    const state = await running(data, options);
    await damageItem(data, ['main', 'pins', 'demo']);
    await accept(data, false, options);
    expect((await createPins(state).of('demo')).size).toBe(0);
    expect((await createPins(state).of('other')).size).toBe(2);
    await createPins(state).add('demo', new Map([['f', pin('b')]]));
    await state.page('other').change(() => ({ page: page('other', 3) }));
    await withState(
      data,
      async (after) => {
        expect((await createPins(after).of('demo')).get('f')).toEqual(pin('b'));
        expect((await after.page('other').read())?.value.page?.serial).toBe(3);
      },
      options,
    );
  });

  it('begins anew after an empty directory was refused', async () => {
    const outside = join(await scratch(), 'epoch');
    const options = { sealKey: KEY, sealEpochFile: outside };
    await filled(options);
    const empty = join(await scratch(), 'data');
    await expect(withState(empty, (state) => state.facts.read(), options)).rejects.toMatchObject({ reason: 'state' });
    expect(await accept(empty, false, options)).toMatchObject({ kept: 0, setAside: [], setAsideTo: undefined });
    await withState(
      empty,
      async (state) => {
        expect((await state.facts.read())?.value.audit).toHaveLength(1);
        await createPins(state).add('demo', new Map([['f', pin('a')]]));
      },
      options,
    );
  });

  it('seals what lay there without a seal only when told to adopt it', async () => {
    const adopted = await filled();
    await refused({ sealKey: KEY }, adopted);
    expect(await accept(adopted, true, { sealKey: KEY })).toMatchObject({ kept: 0, adopted: 5, setAside: [] });
    await withState(adopted, readAll, { sealKey: KEY });
    const given = await filled();
    expect((await accept(given, false, { sealKey: KEY })).setAside).toHaveLength(5);
    await withState(given, async (state) => expect((await createPins(state).of('demo')).size).toBe(0), {
      sealKey: KEY,
    });
  });

  it('goes over to another key, and to none', async () => {
    const data = await filled({ sealKey: KEY });
    expect(await accept(data, true, { sealKey: OTHER })).toMatchObject({ adopted: 5 });
    await withState(data, readAll, { sealKey: OTHER });
    await refused({ sealKey: KEY }, data);
    await refused({}, data);
    expect(
      await withState(data, (state, { databases }) =>
        acceptStateLoss(databases.state, state, {
          evidence: 'index',
          adopt: true,
          reason: 'why',
          now: 6,
          keepAs: join(data, 'indexes', 'main', 'lost', 'later'),
        }),
      ),
    ).toMatchObject({ adopted: 5 });
    await withState(data, readAll);
  });

  it.each(['snapshot', 'targets', 'current'])(
    'begins the trust again whose %s is damaged, above its floor',
    async (name) => {
      const data = await filled();
      await withState(data, async ({ trust }) => {
        await trust.keepRoot(1, Buffer.from('root 1'));
        await trust.keepTimestamp({ rootVersion: 1, version: 7, bytes: Buffer.from('timestamp 7') });
        await trust.publish(trustOf(1), undefined);
      });
      await damageItem(data, ['main', 'tuf', name]);
      await expect(withState(data, ({ trust }) => trust.load())).rejects.toMatchObject({ reason: 'state' });
      expect((await accept(data, false)).setAside).toContain('tuf/current');
      await withState(data, async ({ trust }) => {
        expect(await trust.load()).toBeUndefined();
        expect((await trust.timestamp())?.version).toBe(7);
        expect(Buffer.from((await trust.root(1)) ?? '').toString()).toBe('root 1');
        expect((await trust.publish(trustOf(2), undefined)).result).toBe('published');
        expect((await trust.load())?.rootVersion).toBe(2);
      });
    },
  );
});

describe('trust that is set aside', () => {
  it('is none for every process that runs, and begins again in one of them', async () => {
    const data = await filled();
    const twin = await running(data);
    await withState(data, async ({ trust }) => {
      await trust.publish(trustOf(1), undefined);
      await trust.keepTimestamp({ rootVersion: 1, version: 7, bytes: Buffer.from('timestamp 7') });
      await trust.keepDelegated('bin', 1, Buffer.from('bin 1'));
    });
    expect((await twin.trust.load())?.rootVersion).toBe(1);
    expect(await twin.trust.timestamp()).toBeDefined();
    await withState(data, (state) => state.setTrustAside(9));
    for (const { trust } of [twin, await running(data)]) {
      expect(await trust.load()).toBeUndefined();
      expect(await trust.timestamp()).toBeUndefined();
      expect(await trust.delegated('bin', 1)).toBeUndefined();
    }
    expect((await twin.trust.publish(trustOf(3), undefined)).result).toBe('published');
    await twin.trust.keepTimestamp({ rootVersion: 1, version: 2, bytes: Buffer.from('timestamp 2') });
    expect((await (await running(data)).trust.timestamp())?.version).toBe(2);
    expect(JSON.parse(await behindItsBack(data, 'SELECT DISTINCT name FROM aside'))).toEqual([{ name: 'tuf.until-9' }]);
  });
});

describe('verifying state', () => {
  it('reads every page and pin again, and names those that do not hold', async () => {
    const data = await filled();
    expect(await withState(data, verifyState)).toEqual({ items: 4, wrong: [] });
    for (const kind of ['pages', 'pins']) await damageItem(data, ['main', kind, 'demo']);
    const { items, wrong } = await withState(data, verifyState);
    expect(items).toBe(4);
    expect(wrong.map(({ item }) => item).toSorted()).toEqual(['pages/demo', 'pins/demo']);
  });

  it('is refused as a whole where a piece was taken away', async () => {
    for (const options of [{}, { sealKey: KEY }]) {
      const data = await filled(options);
      await behindItsBack(data, `DELETE FROM item WHERE path = ${sqlPath('pins', 'demo')}`);
      await expect(withState(data, verifyState, options)).rejects.toMatchObject({ reason: 'state' });
    }
  });
});
