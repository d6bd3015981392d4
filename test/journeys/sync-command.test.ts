import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { readLock } from '../../src/sync/selection/locks.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';

// The command, alone on a data directory and beside a server.

const ALPHA = tinyWheel('alpha', '1.0', '', ['beta']);
const BETA = tinyWheel('beta');
const NEWER = tinyWheel('beta', '2.0');
const ALL = [ALPHA, BETA, NEWER];

let directory: string;
let pypi: FakePypi;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-sync-'));
  pypi = await startFakePypi();
  for (const wheel of ALL) pypi.upload(wheel.project, wheel);
});
afterEach(async () => {
  await pypi.close();
  await rm(directory, { recursive: true });
});

const upstream = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];
const data = () => join(directory, 'data');
const run = (...words: readonly string[]) =>
  verbatim('sync', ...words, ...upstream(), '--data', data(), '--write-locks', directory);
const inJson = async (...words: readonly string[]) => {
  const { code, stdout, stderr } = await run(...words, '--json');
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  return { code, stderr, lines, report: lines.at(-1) };
};
const asked = () => ALL.map((wheel) => pypi.files.asked(pypi.storedAt(wheel)).length);

describe('verbatim sync', () => {
  it('counts, fetches, and finds everything held the next time', async () => {
    const words = ['--project', 'alpha', '--env', '3.12/linux'];
    const counted = await inJson(...words, '--dry-run');
    expect(counted).toMatchObject({ code: 0, report: { event: 'report', dryRun: true, files: 2, held: 0 } });
    expect(asked()).toEqual([0, 0, 0]);
    const first = await inJson(...words);
    expect(first.lines.map(({ event }) => event).filter((event) => event !== 'progress')).toEqual([
      'counted',
      'report',
    ]);
    expect(first).toMatchObject({
      code: 0,
      report: { fetched: 2, new: expect.arrayContaining([ALPHA.filename, NEWER.filename]) },
    });
    const second = await run(...words);
    expect(second.stdout).toBe('new: 0 files, 0.0 MB; held already: 2\n');
    expect(asked()).toEqual([1, 0, 1]);
  });

  it('asks for no page that its list says is what it was, and tells how many', async () => {
    const first = await inJson('--listed');
    expect(first).toMatchObject({ code: 0, report: { fetched: 3, notAsked: 0 } });
    const second = await inJson('--listed');
    expect(second).toMatchObject({ code: 0, report: { fetched: 0, held: 3, notAsked: 2 } });
    const third = await run('--listed');
    expect(third.stdout).toBe(
      'new: 0 files, 0.0 MB; held already: 3\nnot asked: serial unchanged: 2 projects, whose pages were asked for within a day\n',
    );
  });

  it('says that nothing pins a list, writes the lock it made, and takes that back', async () => {
    const list = join(directory, 'requirements.txt');
    await writeFile(list, 'alpha  # we need it\n');
    const { code, stdout } = await run('--requirement', list, '--env', '3.12/linux');
    const written = join(directory, 'pylock.verbatim-3-12-linux.toml');
    expect([code, stdout.split('\n').slice(1, 3)]).toEqual([
      0,
      [
        'nothing pins the choice of 1 requirement without a hash: requirements.txt:1',
        `the choice was written to ${written}`,
      ],
    ]);
    const { asked: locked } = readLock('l', await readFile(written, 'utf8'));
    expect(locked.map(({ project, hashes }) => [project, [...hashes]])).toEqual([
      ['alpha', [`sha256:${digestHex('sha256', ALPHA.bytes)}`]],
      ['beta', [`sha256:${digestHex('sha256', NEWER.bytes)}`]],
    ]);
    expect(await inJson('--lock', written)).toMatchObject({ code: 0, report: { held: 2, fetched: 0, unpinned: [] } });
  });

  it('names what is missing, and fails', async () => {
    const list = join(directory, 'requirements.txt');
    await writeFile(list, `alpha==1.0 --hash=sha256:${'0'.repeat(64)}\nnowhere\nown @ https://host/own.whl\n`);
    const { code, stdout } = await run('--requirement', list);
    expect(code).toBe(1);
    expect(stdout).toContain('missing: 3\n');
    expect(stdout).toContain(
      `  alpha==1.0: no file of upstream has the hash sha256:${'0'.repeat(64)} (requirements.txt:1)\n`,
    );
    expect(stdout).toContain('  nowhere: The index has no project called nowhere. (requirements.txt:2)\n');
    expect(stdout).toContain('  own: it is taken from https://host/own.whl (requirements.txt:3)\n');
  });

  it('a check asks upstream for nothing, and names what is not held', async () => {
    await run('--project', 'beta==1.0');
    const before = pypi.requests.length;
    const held = await inJson('--project', 'beta==1.0', '--check');
    expect(held).toMatchObject({ code: 0, report: { check: true, files: 1, held: 1 } });
    const { code, report } = await inJson('--project', 'beta', '--check');
    expect([code, report.missing]).toEqual([1, [{ what: NEWER.filename, why: 'it is not held' }]]);
    expect(pypi.requests.length).toBe(before);
  });

  it('does not begin where there is no room, unless it is told to', async () => {
    const { code, stderr } = await run('--project', 'beta', '--max-bytes', '100');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('Nothing was fetched: it is 1 MB, and at most 1 MB are kept (cache.max_bytes).'),
    ]);
    expect(asked()).toEqual([0, 0, 0]);
    expect((await run('--project', 'beta', '--max-bytes', '100', '--yes')).code).toBe(0);
  });

  it('what it reads lies in the directory of the list, links followed', async () => {
    const list = join(directory, 'list', 'requirements.txt');
    const { mkdir, symlink } = await import('node:fs/promises');
    await mkdir(join(directory, 'list'));
    await writeFile(join(directory, 'outside.txt'), 'alpha');
    await symlink('../outside.txt', join(directory, 'list', 'inside.txt'));
    await writeFile(list, '-r inside.txt');
    const { code, stderr } = await run('--requirement', list);
    expect([code, stderr]).toEqual([1, expect.stringContaining('inside.txt leads out of ')]);
  });

  it('a server beside it serves the new page at once', async () => {
    const server = await startVerbatim(upstream(), data());
    try {
      const page = async () => (await (await fetch(new URL('beta/', server.simple))).text()).match(/beta-[0-9.]+-py3/g);
      await page();
      const another = tinyWheel('beta', '3.0');
      pypi.upload('beta', another);
      expect((await inJson('--project', 'beta>=3')).report.new).toEqual([another.filename]);
      expect(await page()).toContain('beta-3.0-py3');
      await fetch(new URL(pypi.storedAt(another), server.simple));
      expect(pypi.files.asked(pypi.storedAt(another)).length).toBe(1);
    } finally {
      await server.close();
    }
  });

  it('a server does what is due, and its status says what came of it', async () => {
    const file = join(directory, 'verbatim.yaml');
    const [, url, , host] = upstream();
    await writeFile(
      file,
      [
        `indexes: { main: { evidence: index, upstream: "${url}", file_hosts: ["${host}"] } }`,
        'sync:',
        '  environments: { here: { python: "3.12", platform: linux } }',
        '  jobs: { often: { schedule: "* * * * * *", projects: [alpha], environments: [here] } }',
      ].join('\n'),
    );
    const server = await startVerbatim(['--config', file], data());
    try {
      const syncs = async () =>
        JSON.parse((await verbatim('status', '--config', file, '--data', data(), '--json')).stdout).servers[0].syncs;
      await expect
        .poll(syncs, { interval: 200, timeout: 60_000 })
        .toMatchObject([{ job: 'often', index: 'main', last: { result: 'whole', missing: 0, refused: 0 } }]);
      expect(asked()).toEqual([1, 0, 1]);
    } finally {
      await server.close();
    }
    expect((await verbatim('sync', '--config', file, '--data', data(), '--job', 'often', '--check')).stdout).toBe(
      'held: 2 of 2 files\n',
    );
  }, 120_000);

  it.each([
    [['--env', '3.12/amiga', '--project', 'a'], 'The environment 3.12/amiga: no installer has the platform "amiga".'],
    [
      ['--env', '2.7/linux', '--project', 'a'],
      'The environment 2.7/linux: python must be a Python version such as 3.12, 3.12.4 or 3.13t, and is "2.7".',
    ],
    [['--env', 'nowhere', '--project', 'a'], 'No environment "nowhere" is configured'],
    [['--requirement', '/nowhere/r.txt'], '/nowhere/r.txt cannot be read (ENOENT).'],
    [['--exclude-platform', 'amiga', '--project', 'a'], '"amiga": it is no platform that can be left out'],
    [['--job', 'nightly'], 'The configuration has no sync.jobs.nightly.'],
    [[], 'Say what is to be held'],
    [['--project', 'a', '--check', '--dry-run'], '--dry-run and --check go one without the other.'],
  ])('%j is refused in words', async (words, says) => {
    const { code, stderr } = await run(...words);
    expect(code).not.toBe(0);
    expect(stderr).toContain(says);
  });
});
