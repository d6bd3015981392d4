import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JSON_PAGE, type Mirror, makeScratch, NOW, startMirror, unsignedConfig } from '../rigs/mirror.ts';
import { answering, badGateway } from '../support/bad-days.ts';
import { createClock, type TestClock } from '../support/clock.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// One address over a private index and the public one, whose namesakes of what is private must never come by it.

const PRIVATE = { lib: tinyWheel('acme-lib'), shared: tinyWheel('shared') };
const PUBLIC = {
  lib: tinyWheel('acme-lib', '99.0', 'evil'),
  shared: tinyWheel('shared', '99.0', 'evil'),
  lost: tinyWheel('acme-lost', '99.0', 'evil'),
  requests: tinyWheel('requests', '2.0'),
};

let own: FakePypi;
let open: FakePypi;
let clock: TestClock;
let mirror: Mirror;

beforeEach(async () => {
  [own, open] = await Promise.all([startFakePypi(), startFakePypi()]);
  clock = createClock(NOW);
  own.upload('acme-lib', PRIVATE.lib);
  own.upload('shared', PRIVATE.shared);
  open.upload('acme-lib', PUBLIC.lib);
  open.upload('shared', PUBLIC.shared);
  open.upload('acme-lost', PUBLIC.lost);
  open.upload('requests', PUBLIC.requests);
  const indexes = () =>
    [['private', own] as const, ['public', open] as const].map(([name, pypi]) =>
      unsignedConfig({ name, upstream: `${pypi.url}simple/`, fileHosts: [`127.0.0.1:${pypi.files.port}`] }),
    );
  const addresses = { main: { name: 'main', of: ['private', 'public'], owned: { private: ['acme-*'] } } };
  mirror = await startMirror({ scratch: await makeScratch(), clock, indexes, addresses });
});

afterEach(async () => {
  await mirror.close();
  await Promise.all([own.close(), open.close()]);
});

const names = (project: string) => mirror.names(project);
const page = (project: string) => `/simple/${project}/`;
/** Of a page: where its only file is at this address. */
async function fileOf(project: string): Promise<string> {
  const [file] = (await mirror.page(project)).files;
  return new URL(file?.url ?? '', `http://mirror.example/simple/${project}/`).pathname;
}
/** Nobody asked the public index for it. */
const isUntold = (project: string) => open.asked(project).length === 0;

describe('one address over a private index and a public one', () => {
  it('has what is private from there and the rest from the public one, files too', async () => {
    expect(await names('acme-lib')).toEqual([PRIVATE.lib.filename]);
    expect(await names('shared')).toEqual([PRIVATE.shared.filename]);
    expect(await names('requests')).toEqual([PUBLIC.requests.filename]);
    for (const [project, wheel] of [
      ['acme-lib', PRIVATE.lib],
      ['shared', PRIVATE.shared],
      ['requests', PUBLIC.requests],
    ] as const) {
      const at = await fileOf(project);
      const { status, body } = await mirror.get(at);
      expect(status).toBe(200);
      expect(body.equals(wheel.bytes)).toBe(true);
      expect((await mirror.get(`${at}.metadata`)).body.equals(wheel.coreMetadata ?? Buffer.alloc(0))).toBe(true);
    }
    expect(isUntold('acme-lib')).toBe(true);
    expect(isUntold('shared')).toBe(true);
  });

  it('never asks the public one for a name that is owned', async () => {
    expect(await mirror.refused(page('acme-lost'))).toBe('404 unlisted');
    expect(await mirror.refused(open.storedAt(PUBLIC.lost))).toBe('404 unlisted');
    expect(isUntold('acme-lost')).toBe(true);
  });

  it('takes an outage of the private one for an outage, also of names that it does not have', async () => {
    for (const project of ['shared', 'requests', 'acme-lib']) own.page(project, badGateway);
    for (const project of ['shared', 'requests', 'acme-lib'])
      expect((await mirror.get(page(project))).status, project).toBeGreaterThanOrEqual(502);
    expect(['shared', 'requests', 'acme-lib'].every(isUntold)).toBe(true);
    for (const status of [401, 403, 429, 500, 503]) {
      const project = `other-${status}`;
      own.page(project, () => answering(status, 'no'));
      const answer = await mirror.get(page(project));
      expect(answer.status, project).toBeGreaterThanOrEqual(403);
      expect(answer.status, project).not.toBe(404);
      expect(isUntold(project), project).toBe(true);
    }
  });

  it('remembers a proved absence for a minute, and no longer: then an outage is one again', async () => {
    expect(await names('requests')).toEqual([PUBLIC.requests.filename]);
    const looks = own.asked('requests').length;
    own.page('requests', badGateway);
    clock.advance(50);
    expect(await names('requests')).toEqual([PUBLIC.requests.filename]);
    expect(own.asked('requests')).toHaveLength(looks);
    clock.advance(20);
    expect((await mirror.get(page('requests'))).status).toBeGreaterThanOrEqual(502);
    expect((await mirror.get(open.storedAt(PUBLIC.requests))).status).toBeGreaterThanOrEqual(502);
    own.heal();
    expect(await names('requests')).toEqual([PUBLIC.requests.filename]);
  });

  it('goes over to the private one when that begins to have a name', async () => {
    const before = await fileOf('requests');
    own.upload('requests', tinyWheel('requests', '0.1', 'ours'));
    clock.advance(61);
    expect(await names('requests')).toEqual(['requests-0.1-py3-none-any.whl']);
    expect(await mirror.refused(before)).toBe('404 unlisted');
  });

  it('has what is held of the private one while that is away, and still nothing of a namesake', async () => {
    expect(await names('shared')).toEqual([PRIVATE.shared.filename]);
    own.page('shared', badGateway);
    clock.advance(2000);
    expect(await names('shared')).toEqual([PRIVATE.shared.filename]);
    await mirror.restart();
    expect(await names('shared')).toEqual([PRIVATE.shared.filename]);
    await mirror.goOffline();
    expect(await names('shared')).toEqual([PRIVATE.shared.filename]);
    // Nobody can be asked whether the private one has it.
    expect(await mirror.refused(page('requests'))).toBe('503 offline');
    expect(isUntold('shared')).toBe(true);
  });

  it('lists the names of both, and none of the public one that is owned', async () => {
    const { body } = await mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
    const { projects } = JSON.parse(body.toString()) as { projects: { name: string }[] };
    expect(projects.map(({ name }) => name).sort()).toEqual(['acme-lib', 'requests', 'shared']);
    own.upload('late', tinyWheel('late'));
    clock.advance(90_000);
    await mirror.get('/simple/');
    const again = await mirror.get('/simple/', { headers: { accept: JSON_PAGE } });
    expect(again.status).toBe(200);
  });
});

describe('what people see of it', () => {
  const json = async (path: string) =>
    JSON.parse((await mirror.get(path, { headers: { accept: 'application/json' } })).body.toString());
  const html = async (path: string) => (await mirror.get(path, { headers: { accept: 'text/html' } })).body.toString();

  it('is in which order indexes are asked, and whose names are its alone', async () => {
    expect((await json('/')).addresses).toMatchObject([
      {
        name: 'main',
        isDefault: true,
        of: [
          { name: 'private', owned: ['acme-*'] },
          { name: 'public', owned: [] },
        ],
      },
    ]);
    const page = await html('/');
    expect(page).toContain('The address main');
    expect(page).toMatch(/private<\/a>: acme-\* is its alone, and no other index is ever asked for them.*public<\/a>/);
    expect(page).toContain('http://ADDRESS/simple/');
  });

  it('is which index answers for a project, and why: it owns it, or is the first that has it', async () => {
    for (const project of ['acme-lib', 'shared', 'requests']) await mirror.page(project);
    const answering = async (path: string) => (await json(path)).answering;
    expect(await answering('/private/project/acme-lib/')).toEqual([
      { address: 'main', index: 'private', owned: 'acme-*', before: [] },
    ]);
    expect(await answering('/private/project/shared/')).toMatchObject([{ index: 'private', owned: null, before: [] }]);
    expect(await answering('/public/project/requests/')).toMatchObject([{ index: 'public', before: ['private'] }]);
    expect(await html('/private/project/acme-lib/')).toContain('<code>acme-*</code> is its own');
    expect(await html('/public/project/requests/')).toContain('once private has proved to have none');
  });
});
