import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAccessRecord } from '../../src/disk/records/access-record.ts';
import { createJournal } from '../../src/disk/records/journal.ts';
import type { PageRecord, Pin } from '../../src/ports/index-state.ts';
import { createPageStore } from '../../src/state/pages.ts';
import { createPins } from '../../src/state/pins.ts';
import { type OpenedState, openState } from '../support/state.ts';
import { verbatim } from '../support/verbatim.ts';

// What an operator asks and decides, beside a process that has the data directory open.

const FILE = 'demo-1.0.tar.gz';
const sha = (letter: string) => letter.repeat(64);
const pin = (letter: string, fetch: string): Pin => ({ digests: new Map([['sha256', sha(letter)]]), seen: 5, fetch });
const page: PageRecord = {
  project: 'demo',
  version: 0,
  bytes: Buffer.from('{}'),
  contentType: 'application/json',
  etag: '"a"',
  serial: 20,
  seenSerial: 21,
  fetchedAt: 5,
  confirmedAt: 5,
  twice: true,
  fetch: 'good',
};

let data: string;
/** A process that has the directory open all the while. */
let running: OpenedState;
beforeEach(async () => {
  data = join(await mkdtemp(join(tmpdir(), 'verbatim-operator-')), 'data');
  running = await openState(data);
  const { state } = running;
  await state.facts.change(() => ({ evidence: 'index', createdAt: 1, audit: [] }));
  const first = new Map([
    [FILE, pin('a', 'good')],
    ['demo-2.0.tar.gz', pin('b', 'bad')],
  ]);
  await createPins(state).add('demo', first);
  await createPins(state).add('other', new Map([['other-1.0.tar.gz', pin('c', 'bad')]]));
  await createPageStore(state).save(page);
});
afterEach(async () => {
  await running.close();
  await rm(join(data, '..'), { recursive: true });
});

const REASON = ['--reason', 'ticket 7'];
const accept = (...args: readonly string[]) =>
  verbatim('accept-change', '--data', data, '--json', ...REASON, ...args).then(({ code, stdout, stderr }) => ({
    code,
    said: code === 0 ? JSON.parse(stdout) : undefined,
    stderr,
  }));
const pins = (project = 'demo') => createPins(running.state).of(project);
const stored = async () => (await running.state.page('demo').read())?.value.page;
const { version: _, ...asStored } = page;
const audit = async () => (await running.state.facts.read())?.value.audit ?? [];

describe('verbatim accept-change', () => {
  it('puts another digest in the place of the pinned one, and nothing else', async () => {
    const store = createPageStore(running.state);
    const before = await store.load('demo');
    const { said } = await accept('main', 'Demo', FILE, '--digest', `sha256:${sha('d')}`);
    expect(said.accepted).toEqual([
      {
        project: 'demo',
        file: FILE,
        what: 'digest',
        before: `sha256:${sha('a')}`,
        after: `sha256:${sha('d')}`,
      },
    ]);
    expect((await pins()).get(FILE)?.digests).toEqual(new Map([['sha256', sha('d')]]));
    expect((await pins()).get('demo-2.0.tar.gz')).toEqual(pin('b', 'bad'));
    expect(await audit()).toMatchObject([{ action: expect.stringContaining(sha('d')), reason: 'ticket 7' }]);
    // Who holds the page in memory sees that it has to read it again.
    expect(before && (await store.isCurrent(before))).toBe(false);
    expect(before && (await store.save({ ...before, serial: 30 }))).toBeUndefined();
    expect((await stored())?.accepted).toEqual([{ kind: 'digest', file: FILE, after: `sha256:${sha('d')}` }]);
  });

  it('says what it would do, and does nothing, with --dry-run', async () => {
    const { said } = await accept('main', 'demo', FILE, '--digest', `sha256:${sha('d')}`, '--dry-run');
    expect(said).toMatchObject({ dryRun: true, accepted: [{ file: FILE }] });
    expect((await pins()).get(FILE)).toEqual(pin('a', 'good'));
    expect(await audit()).toEqual([]);
    expect(await stored()).toEqual(asStored);
  });

  it('lowers the serial to the one named, and names single losses', async () => {
    await accept('main', 'demo', '--serial', '12');
    expect(await stored()).toMatchObject({ serial: 12, seenSerial: 12 });
    await accept('main', 'demo', FILE, '--removed');
    await accept('main', 'demo', FILE, '--lost', 'provenance');
    expect((await stored())?.accepted).toEqual([
      { kind: 'file', file: FILE, after: 'gone' },
      { kind: 'provenance', file: FILE, after: 'none' },
    ]);
    await accept('main', 'demo', '--removed');
    expect(await stored()).toBeUndefined();
    expect((await pins()).size).toBe(2);
    expect(await audit()).toHaveLength(4);
  });

  it('lowers the serial that a project which disappeared may come back with', async () => {
    await accept('main', 'demo', '--removed');
    const floor = async () => (await createPageStore(running.state).gone('demo'))?.serial;
    expect(await floor()).toBe(page.serial);
    const { said } = await accept('main', 'demo', '--serial', '3');
    expect(said.accepted).toMatchObject([{ what: 'serial', before: String(page.serial), after: '3' }]);
    expect(await floor()).toBe(3);
    await accept('main', 'demo', '--serial', 'none');
    expect(await floor()).toBeUndefined();
    expect(await stored()).toBeUndefined();
  });

  it('takes back all that one bad fetch brought in', async () => {
    const { said } = await accept('main', '--revoke-fetch', 'bad');
    expect(said.accepted).toHaveLength(2);
    expect([...(await pins()).keys()]).toEqual([FILE]);
    expect((await pins('other')).size).toBe(0);
    expect(await stored()).toEqual(asStored);
    await accept('main', '--revoke-fetch', 'good');
    expect(await stored()).toBeUndefined();
    // Its serial was that fetch's word, too.
    expect((await createPageStore(running.state).gone('demo'))?.serial).toBeUndefined();
  });

  it('refuses what it cannot name exactly, and changes nothing', async () => {
    const wrong: readonly (readonly string[])[] = [
      ['main', 'demo', FILE],
      ['main', 'demo', FILE, '--digest', `sha256:${sha('d')}`, '--removed'],
      ['main', 'demo', FILE, '--digest', `md5:${sha('d')}`],
      ['main', 'demo', 'demo-9.tar.gz', '--digest', `sha256:${sha('d')}`],
      ['main', 'demo', '--digest', `sha256:${sha('d')}`],
      ['main', 'absent', '--serial', '3'],
      ['main', 'demo', '--serial', '-3'],
      ['elsewhere', 'demo', '--serial', '3'],
    ];
    for (const each of wrong) expect((await accept(...each)).code, each.join(' ')).toBe(1);
    expect(await stored()).toEqual(asStored);
    expect(await audit()).toEqual([]);
  });
});

describe('verbatim events', () => {
  it('tells what was removed and what was accepted, of one index, since a time', async () => {
    const journal = createJournal(running.databases.records);
    journal.note({ at: 10, index: 'main', kind: 'removed', project: 'demo', file: FILE });
    journal.note({ at: 20, index: 'other', kind: 'yanked', project: 'x' });
    await journal.close();
    await accept('main', 'demo', '--serial', '12');
    const events = async (...args: readonly string[]) =>
      JSON.parse((await verbatim('events', '--data', data, '--json', ...args)).stdout);
    expect(await events()).toMatchObject([
      { at: 10, kind: 'removed', file: FILE },
      { at: 20, index: 'other' },
      { kind: 'accepted', project: 'demo', before: '21', after: '12', reason: expect.stringContaining('ticket 7') },
    ]);
    expect(await events('--index', 'main', '--since', '1970-01-01T00:00:15Z')).toHaveLength(1);
    const { stdout } = await verbatim('events', '--data', data, '--index', 'other');
    expect(stdout).toBe('1970-01-01T00:00:20Z other yanked      x\n');
  });

  it('tells an index of which nothing is recorded from one that there is not', async () => {
    const nothing = await verbatim('events', '--data', data, '--index', 'main', '--project', 'calm');
    expect([nothing.code, nothing.stdout]).toEqual([1, 'Nothing of the kind has been recorded.\n']);
    for (const json of [[], ['--json']]) {
      const stranger = await verbatim('events', '--data', data, '--index', 'elsewhere', ...json);
      expect([stranger.code, stranger.stdout]).toEqual([1, '']);
      expect(stranger.stderr).toContain('No index called elsewhere is configured');
    }
  });

  it('makes no data directory where there is none, nor does who', async () => {
    const absent = join(data, 'absent');
    for (const command of [['events'], ['who', FILE]]) {
      const { code, stdout, stderr } = await verbatim(...command, '--data', absent);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain(`There is no data directory ${absent}`);
    }
    expect(existsSync(absent)).toBe(false);
  });
});

describe('verbatim who', () => {
  it('names the clients that were sent a file, by its name or digest', async () => {
    const access = createAccessRecord(running.databases.records);
    access.record({ at: 10, client: '10.0.0.7', index: 'main', project: 'demo', file: FILE, sha256: sha('a') });
    await access.close();
    for (const name of [FILE, sha('a'), `sha256:${sha('a')}`, sha('A')])
      expect((await verbatim('who', name, '--data', data)).stdout).toContain('10.0.0.7');
    const nobody = await verbatim('who', 'other', '--json', '--data', data);
    expect([nobody.code, JSON.parse(nobody.stdout)]).toEqual([1, []]);
  });
});
