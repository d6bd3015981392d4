import { expect, it } from 'vitest';
import { ToldState } from '../../../../src/app/processes/told-state.ts';
import type { News } from '../../../../src/ports/peers.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const VALUE = Buffer.from('value');

function createTold(tell: (news: News) => Promise<void>) {
  const storage = createMemoryState().party();
  return { storage, told: new ToldState(storage, { tell }) };
}

it('a write is over when the others have given up what they had of it', async () => {
  const heard = Promise.withResolvers<News>();
  const followed = Promise.withResolvers<void>();
  const { told, storage } = createTold((news) => {
    heard.resolve(news);
    return followed.promise;
  });
  let isOver = false;
  const writing = told.create(['main', 'pages', 'alpha'], 1, VALUE).then((isCreated) => {
    isOver = true;
    return isCreated;
  });
  expect(await heard.promise).toEqual({ kind: 'wrote', index: 'main', items: [['main', 'pages', 'alpha']] });
  // It lies there before anybody is told.
  expect(await storage.version(['main', 'pages', 'alpha'], 0)).toBe(1);
  expect(isOver).toBe(false);
  followed.resolve();
  expect(await writing).toBe(true);
});

it('nobody is told of a write that did not happen, nor of what nobody has in memory', async () => {
  const news: News[] = [];
  const { told } = createTold(async (each) => void news.push(each));
  await told.create(['main', 'tuf', 'timestamp'], 1, VALUE);
  await told.create(['main', 'pins', 'alpha'], 1, VALUE);
  expect(await told.create(['main', 'pins', 'alpha'], 1, VALUE)).toBe(false);
  const other = { item: ['main', 'pages', 'beta'] as const, version: 1, value: VALUE };
  await told.create(['main', 'pins', 'beta'], 1, VALUE, { others: [other] });
  await told.create(['main', 'answers', 'alpha'], 1, VALUE);
  await told.create(['main', 'tuf', 'current'], 1, VALUE);
  expect(news.map((each) => 'items' in each && each.items)).toEqual([
    [['main', 'pins', 'alpha']],
    [
      ['main', 'pins', 'beta'],
      ['main', 'pages', 'beta'],
    ],
    [['main', 'answers', 'alpha']],
    [['main', 'tuf', 'current']],
  ]);
});

it('what lies there is read as it lies there', async () => {
  const { told, storage } = createTold(async () => undefined);
  await storage.create(['main', 'pages', 'alpha'], 1, VALUE);
  expect(await told.newest(['main', 'pages', 'alpha'], 0)).toEqual({ version: 1, value: VALUE });
  expect(await told.version(['main', 'pages', 'alpha'], 0)).toBe(1);
  expect(await told.read(['main', 'pages', 'alpha'], 1)).toEqual(VALUE);
  const items = async () => {
    const found: unknown[] = [];
    for await (const item of told.items(['main'])) found.push(item);
    return found;
  };
  expect(await items()).toEqual([['main', 'pages', 'alpha']]);
  await told.create(['main', 'pages', 'alpha'], 2, VALUE);
  await told.removeBelow(['main', 'pages', 'alpha'], 2);
  expect(await told.read(['main', 'pages', 'alpha'], 1)).toBeUndefined();
  await told.setAside(['main', 'pages'], 'aside');
  expect(await items()).toEqual([]);
});
