import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PeopleRig, startPeopleRig, wheel } from '../rigs/people-rig.ts';
import { ask } from '../support/ask.ts';

const SIMPLE = { headers: { accept: 'application/vnd.pypi.simple.v1+json' } };

describe('the first page of a mirror', () => {
  let rig: PeopleRig;
  beforeAll(async () => {
    rig = await startPeopleRig({
      linksBelow: 'https://packages.example/',
      fill(signed, pypi) {
        signed.upload('alpha', wheel('alpha', '1.0'), wheel('alpha', '2.0'));
        pypi.upload('beta', wheel('beta', '1.0'));
      },
    });
  });
  afterAll(() => rig.close());
  /** What it says, two seconds from now: so long it is the same for all who look. */
  const home = async (path = '/') => {
    const before = rig.clock.now();
    rig.clock.advance(1);
    await expect.poll(async () => (await rig.json(path))['now']).toBeGreaterThan(before);
    return rig.json(path);
  };
  const html = async (path: string) => (await rig.get(path, { headers: { accept: 'text/html' } })).body.toString();

  it('says in one sentence that all is well, how fresh each index is, and how to use it', async () => {
    await rig.get('/simple/alpha/', SIMPLE);
    await rig.get('/pypi-org/simple/beta/', SIMPLE);
    const view = await home();
    expect(view).toMatchObject({ well: true, says: 'All is well.', troubles: [], refusedLastDay: 0 });
    expect(view['indexes']).toMatchObject([
      {
        name: 'main',
        evidence: 'tuf',
        isDefault: true,
        roles: [{ role: 'root', signed: 2, threshold: 2, keys: 2 }, {}, {}, {}],
      },
      { name: 'pypi-org', evidence: 'index', roles: [] },
    ]);
    const page = await html('/');
    expect(page).toContain('<h1>All is well.</h1>');
    for (const line of [
      'pip config set global.index-url',
      'default = true',
      '--priority=primary',
      'pdm config pypi.url',
    ])
      expect(page).toContain(line);
    expect(page).toContain('https://packages.example/simple/');
    expect(page).toContain('2 of 2 signed');
  });

  it('shows one index alone under its name, with the lines for that one', async () => {
    expect((await rig.json('/pypi-org/'))['indexes']).toMatchObject([{ name: 'pypi-org' }]);
    const page = await html('/pypi-org/');
    expect(page).toContain('https://packages.example/pypi-org/simple/');
    expect(page).not.toContain('The index main');
    expect(page).toContain('It signs nothing.');
  });

  it('says since when each list is what it is', async () => {
    const roles = async () => Object((await home())['indexes']).at(0).roles;
    const before = await roles();
    await rig.signed.publish();
    rig.clock.advance(120);
    await rig.refresh();
    const after = await roles();
    for (const [at, { role, changed, version }] of before.entries()) {
      expect(changed, role).not.toBeNull();
      if (role === 'root') expect(after[at]).toMatchObject({ changed, version });
      if (role === 'timestamp') expect(after[at].changed).toBeGreaterThan(changed);
    }
  });

  it('tells what was refused, by what name it may, and what to do; and what upstream took away', async () => {
    const file = wheel('beta', '1.1');
    rig.pypi.upload('beta', file);
    rig.clock.advance(1000);
    const { body } = await rig.get('/pypi-org/simple/beta/', SIMPLE);
    const line = JSON.parse(body.toString()).files.find(
      ({ filename }: { filename: string }) => filename === file.filename,
    );
    rig.pypi.files.fault(rig.pypi.storedAt(file), { kind: 'flip', at: 3 });
    expect(await rig.refused(new URL(line.url, `${rig.url()}/pypi-org/simple/beta/`).pathname)).toBe('403 digest');
    const view = await home();
    expect(view).toMatchObject({ well: false, refusedLastDay: 1, troubles: [{ what: 'refused', index: 'pypi-org' }] });
    expect(view['says']).toContain('not what was promised');
    expect(view['refusals']).toMatchObject([
      { kind: 'refused', reason: 'digest', index: 'pypi-org', thing: file.filename },
    ]);
    const page = await html('/');
    expect(page).toContain('not what the index vouches for');
    expect(page).toContain('What to do:');
  });

  it('says that upstream is away and that what is held is served', async () => {
    rig.upstream.fault('*', { kind: 'reset' });
    rig.clock.advance(3 * 86_400);
    await rig.get('/simple/alpha/', SIMPLE);
    const view = await home();
    expect(view['troubles']).toMatchObject([{ what: 'expired', level: 'bad', index: 'main' }, { what: 'stale' }]);
  });
});

it('a mirror that asks who reads shows its pages to readers alone', async () => {
  const token = 'a'.repeat(40);
  const readers = { users: new Map(), tokens: [{ name: 'ci', sha256: await digestOf(token) }] };
  const rig = await startPeopleRig({ readers });
  try {
    for (const path of ['/', '/main/', '/pypi-org/', '/policy', '/main/policy', '/events', '/health']) {
      expect((await rig.get(path)).status).toBe(401);
      const headers = { authorization: `Bearer ${token}`, accept: 'text/html' };
      expect((await ask(rig.url(), path, { headers })).status).toBe(200);
    }
  } finally {
    await rig.close();
  }
});

async function digestOf(token: string): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(token)));
}
