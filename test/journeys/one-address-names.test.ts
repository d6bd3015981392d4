import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { actsOf } from '../../src/mirror/operator/acts.ts';
import { JSON_PAGE, type Mirror, makeScratch, NOW, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { createClock, type TestClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { openState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// A name that was the private index's once, and is not there any more, at one address over that index and the public one, whose namesake is
// somebody else's.

const OURS = tinyWheel('shared');
const THEIRS = tinyWheel('shared', '99.0', 'evil');
const PLAIN = tinyWheel('requests', '2.0');
const PAGE = '/simple/shared/';

let own: FakePypi;
let open: FakePypi;
let clock: TestClock;
let mirror: Mirror;

beforeEach(async () => {
  [own, open] = await Promise.all([startFakePypi(), startFakePypi()]);
  clock = createClock(NOW);
  own.upload('shared', OURS);
  own.upload('stays', tinyWheel('stays'));
  open.upload('shared', THEIRS);
  open.upload('requests', PLAIN);
  const indexes = () =>
    [['private', own] as const, ['public', open] as const].map(([name, pypi]) =>
      unsignedConfig({ name, upstream: `${pypi.url}simple/`, fileHosts: [`127.0.0.1:${pypi.files.port}`] }),
    );
  const addresses = { main: { name: 'main', of: ['private', 'public'], owned: {} } };
  mirror = await startMirror({ scratch: await makeScratch(), clock, indexes, addresses });
});

afterEach(async () => {
  await mirror.close();
  await Promise.all([own.close(), open.close()]);
});

/** Every address by which the public one's file could come, and what each answers. */
async function everyWay(): Promise<readonly string[]> {
  const file = open.storedAt(THEIRS);
  const paths = [PAGE, '/main/simple/shared/', '/simple/shared', file, `${file}.metadata`, `${file}.asc`];
  const answers: string[] = [];
  for (const path of paths) answers.push(`${path} ${await mirror.refused(path, { headers: { accept: JSON_PAGE } })}`);
  return answers.filter((answer) => !answer.endsWith(' regressed') && !answer.includes('/simple/shared 301'));
}

/** The private index has it, is seen to have it, and has it no more. */
async function vanishes(): Promise<void> {
  expect(await mirror.names('shared')).toEqual([OURS.filename]);
  own.removeProject('shared');
  clock.advance(3600);
}

/** What an operator says beside the server. */
async function release(project: string): Promise<void> {
  await mirror.stop();
  const { state, close } = await openState(mirror.data(), { index: 'private' });
  const change = { removed: true };
  try {
    for (const act of await actsOf({ state, now: NOW }, { project, file: undefined, change })) await act.carryOut();
  } finally {
    await close();
  }
  await mirror.start();
}

describe('a name that the first of several indexes had once', () => {
  it('is not the next one’s when the first has it no more, by any address, cold and after a restart', async () => {
    await vanishes();
    expect(await everyWay()).toEqual([]);
    await mirror.restart();
    expect(await everyWay()).toEqual([]);
    await mirror.kill();
    expect(await everyWay()).toEqual([]);
    expect(open.asked('shared')).toEqual([]);
  });

  it('is not the next one’s either where that one’s page is at hand', async () => {
    await vanishes();
    for (let times = 0; times < 3; times++) {
      expect((await mirror.get('/public/simple/shared/')).status).toBe(200);
      expect(await mirror.refused(PAGE)).toBe('502 regressed');
    }
  });

  it('says to whom it belonged, and what an operator can do', async () => {
    await vanishes();
    const { body } = await mirror.get(PAGE);
    expect(body.toString()).toContain('shared was a project of the index private');
    expect(body.toString()).toContain('verbatim accept-change private shared --removed');
  });

  it('is the next one’s once an operator has said that it is free, and the first one’s again where that has it again', async () => {
    await vanishes();
    expect(await mirror.refused(PAGE)).toBe('502 regressed');
    await release('shared');
    expect(await mirror.names('shared')).toEqual([THEIRS.filename]);
    own.upload('shared', tinyWheel('shared', '2.0'));
    clock.advance(3600);
    expect(await mirror.names('shared')).toEqual(['shared-2.0-py3-none-any.whl']);
    own.removeProject('shared');
    clock.advance(3600);
    // That word was about what was gone then.
    expect(await mirror.refused(PAGE)).toBe('502 regressed');
  });

  it('can be said to be free before it is looked for', async () => {
    expect(await mirror.names('shared')).toEqual([OURS.filename]);
    own.removeProject('shared');
    await release('shared');
    expect(await mirror.names('shared')).toEqual([THEIRS.filename]);
  });

  it('cannot be said to be free of what was never seen, or twice', async () => {
    await vanishes();
    expect(await mirror.refused(PAGE)).toBe('502 regressed');
    await expect(release('never')).rejects.toMatchObject({ reason: 'unlisted' });
    await mirror.start();
    await release('shared');
    await expect(release('shared')).rejects.toMatchObject({ reason: 'unlisted' });
    await mirror.start();
  });

  it('keeps no name that the first never had', async () => {
    expect(await mirror.names('requests')).toEqual([PLAIN.filename]);
    await mirror.restart();
    expect(await mirror.names('requests')).toEqual([PLAIN.filename]);
  });
});

describe('a first index that says 404 to everything', () => {
  const loseAll = () => own.index.fault('*', { kind: 'status', status: 404 });

  it('has not said that it lacks a project, whoever has seen anything of it before', async () => {
    loseAll();
    for (const project of ['shared', 'requests', 'never'])
      expect(await mirror.refused(`/simple/${project}/`), project).toBe('503 unreachable');
    expect(open.asked('shared')).toEqual([]);
    expect(open.asked('requests')).toEqual([]);
  });

  it('keeps what is held of it served, and is believed again once anything of it is there', async () => {
    expect(await mirror.names('shared')).toEqual([OURS.filename]);
    loseAll();
    clock.advance(3600);
    expect(await mirror.names('shared')).toEqual([OURS.filename]);
    own.heal();
    await mirror.restart();
    expect(await mirror.names('requests')).toEqual([PLAIN.filename]);
  });
});
