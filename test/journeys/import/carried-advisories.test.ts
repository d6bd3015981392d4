import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { makeScratch } from '../../rigs/mirror.ts';
import { advisory, archiveOf } from '../../support/advisories.ts';
import { type FakePypi, startFakePypi } from '../../support/fake-pypi.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { type RunningVerbatim, startVerbatim, verbatim } from '../../support/verbatim.ts';

// What is known to be bad outside is refused behind the gap, by real commands and nothing between them but files.

const GOOD = tinyWheel('alpha', '1.0');
const BAD = tinyWheel('alpha', '2.0');
const MALWARE = advisory('MAL-2026-7', 'alpha', { versions: ['2.0'] }, { summary: 'It steals keys' });
const OTHER = advisory('PYSEC-2026-1', 'beta', {}, { modified: '2026-01-01T00:00:00Z' });
const LATER = advisory('MAL-2026-8', 'alpha', { versions: ['1.0'] }, { modified: '2026-06-01T00:00:00Z' });

let folder: string;
let pypi: FakePypi;
beforeEach(async () => {
  folder = await makeScratch();
  pypi = await startFakePypi();
  for (const wheel of [GOOD, BAD]) pypi.upload('alpha', wheel);
  await verbatim('keygen', join(folder, 'key'));
  await outsideWith(`archive: ${join(folder, 'all.zip')}`);
  await insideWith('carried: true');
});
afterEach(async () => {
  await pypi.close();
  await rm(folder, { recursive: true });
});

const path = (name: string) => join(folder, name);
const outside = () => ['--config', path('outside.yaml')];
const inside = () => ['--config', path('inside.yaml')];

const outsideWith = (advisories: string) =>
  writeFile(
    path('outside.yaml'),
    `data: ${path('outside')}\nadvisories: { ${advisories} }\nindexes:\n  main: { evidence: index, upstream: "${pypi.url}simple/", file_hosts: ["127.0.0.1:${pypi.files.port}"] }\n`,
  );
const insideWith = (advisories: string | undefined) =>
  writeFile(
    path('inside.yaml'),
    `data: ${path('inside')}\n${advisories === undefined ? '' : `advisories: { ${advisories} }\n`}indexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519_file: key.pub }]\n`,
  );

/** The outside serves for a moment: it keeps the feed, and fetches both files as long as it lets them through. */
async function serveOutside(archive: Uint8Array, wheels: readonly (typeof GOOD)[] = []): Promise<void> {
  await writeFile(path('all.zip'), archive);
  const server = await startVerbatim(outside(), path('outside'));
  for (const at of ['alpha/', ...wheels.map((wheel) => pypi.storedAt(wheel))])
    await (await fetch(new URL(at, server.simple))).arrayBuffer();
  await server.close();
}

async function exported(name: string, ...words: readonly string[]) {
  const made = await verbatim('export', path(name), ...outside(), '--key', path('key'), ...words);
  expect(made.code).toBe(0);
  return made;
}

const imported = (name: string, ...words: readonly string[]) => verbatim('import', path(name), ...inside(), ...words);

async function served(): Promise<RunningVerbatim> {
  const server = await startVerbatim(inside(), path('inside'));
  onTestFinished(() => server.close());
  return server;
}

interface Page {
  readonly files: readonly { readonly filename: string; readonly url: string }[];
}

/** Names that the page lists, and what each address answers. */
async function files({ simple }: RunningVerbatim): Promise<Record<string, readonly [number, string]>> {
  const page = await fetch(`${simple}alpha/`, { headers: { accept: 'application/vnd.pypi.simple.v1+json' } });
  const found: Record<string, readonly [number, string]> = {};
  for (const { filename, url } of ((await page.json()) as Page).files) {
    const answer = await fetch(new URL(url, `${simple}alpha/`));
    found[filename] = [answer.status, answer.status === 200 ? '' : await answer.text()];
    if (answer.status === 200) await answer.arrayBuffer().catch(() => undefined);
  }
  return found;
}

async function asked({ simple }: RunningVerbatim, version: string) {
  const body = JSON.stringify({ package: { name: 'alpha', ecosystem: 'PyPI' }, version });
  const answer = await fetch(new URL('/v1/query', simple), { method: 'POST', body });
  return [answer.status, await answer.json()];
}

describe('advisories that are in force outside', { timeout: 240_000 }, () => {
  it('are carried, refuse malware on page and address inside, and answer scanners there', async () => {
    await serveOutside(archiveOf([OTHER]), [GOOD, BAD]);
    await serveOutside(archiveOf([OTHER, MALWARE]));
    await exported('one.tar');
    const before = await served();
    expect(before.log()).toContain('No bundle has brought any that can be read');
    const taken = await imported('one.tar');
    expect([taken.code, taken.stderr]).toEqual([0, '']);
    expect(taken.stdout).toContain(
      `advisories as they were at 2026-03-24T15:35:00Z (${path('all.zip')}): taken, and in force`,
    );
    await before.close();
    const server = await served();
    expect(await files(server)).toEqual({
      [GOOD.filename]: [200, ''],
      [BAD.filename]: [403, expect.stringContaining('MAL-2026-7 (It steals keys) says that it is malware')],
    });
    expect(await asked(server, '2.0')).toEqual([200, { vulns: [MALWARE] }]);
    expect(await asked(server, '1.0')).toEqual([200, {}]);
    const explained = await verbatim('explain', 'alpha', ...inside());
    expect(explained.stdout).toContain('MAL-2026-7 (It steals keys) speaks of 2.0');
    const status = await verbatim('status', ...inside());
    expect(status.stdout).toMatch(/The newest change in the advisories \(carried in bundles\) is .* old; more than/);
    // Nothing of the old one is left over where a newer one comes, while it is served.
    await serveOutside(archiveOf([OTHER, MALWARE, LATER]));
    await exported('two.tar', '--since', '1');
    const newer = await imported('two.tar');
    expect(newer.stdout).toContain('advisories as they were at 2026-06-01T00:00:00Z');
    await expect.poll(async () => (await files(server))[GOOD.filename]?.[0], { timeout: 60_000 }).toBe(403);
    // An earlier one once more changes nothing, and says so.
    const again = await imported('one.tar');
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('not taken [rollback]: a later bundle')]);
    expect((await files(server))[GOOD.filename]?.[0]).toBe(403);
    expect(newer.stdout).not.toContain('not taken');
  });

  it('make the same bundle again, with the advisories of then, and are told in its report', async () => {
    await serveOutside(archiveOf([MALWARE]), [GOOD]);
    await exported('stick-1.tar');
    const first = sha256Hex(await readFile(path('stick-1.tar')));
    await serveOutside(archiveOf([MALWARE, LATER]));
    const again = await verbatim('export', path('again.tar'), '--again', '1', ...outside());
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(sha256Hex(await readFile(path('again.tar')))).toBe(first);
    expect(await readdir(join(path('outside'), 'exports', 'main', '000001'))).toContain('advisories.zip');
    const report = await readFile(join(path('outside'), 'exports', 'main', '000001', 'report.txt'), 'utf8');
    expect(report).toContain(
      'It carries 1 advisories about Python packages (1 about malware), as they were at 2026-03',
    );
  });

  it('are carried by what is new since another bundle only where they have changed', async () => {
    const remembered = (number: number) => readdir(join(path('outside'), 'exports', 'main', `00000${number}`));
    await serveOutside(archiveOf([MALWARE]), [GOOD]);
    await exported('one.tar');
    await exported('two.tar', '--since', '1');
    expect([await remembered(1), await remembered(2)]).toEqual([
      expect.arrayContaining(['advisories.zip']),
      expect.not.arrayContaining(['advisories.zip']),
    ]);
    await serveOutside(archiveOf([MALWARE, LATER]));
    await exported('three.tar', '--since', '2');
    expect(await remembered(3)).toContain('advisories.zip');
    const told: (string | undefined)[] = [];
    for (const name of ['one.tar', 'two.tar', 'three.tar'])
      told.push(
        /taken, and in force|advisories/.exec((await imported(name)).stdout.replace(/^advisories.*: /m, ''))?.[0],
      );
    expect(told).toEqual(['taken, and in force', undefined, 'taken, and in force']);
  });

  it('are looked at by a sync where no server runs, and by an export they are carried or missed in words', async () => {
    const sync = () => verbatim('sync', '--project', 'alpha==1.0', ...outside());
    const first = await sync();
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringMatching(/The advisories \(.*all\.zip\) could not be read: .*What is kept of them stays in force\./),
    ]);
    const without = await exported('without.tar');
    expect(without.stderr).toContain('No advisories are carried: none are kept here yet.');
    await writeFile(path('all.zip'), archiveOf([MALWARE]));
    const second = await sync();
    expect([second.code, second.stderr]).toEqual([0, expect.not.stringContaining('dvisories')]);
    await exported('with.tar');
    expect((await imported('without.tar')).stdout).not.toContain('advisories');
    expect((await imported('with.tar')).stdout).toContain('taken, and in force');
  });

  it('are brought by the same bundle again where they could not be written, and that is said', async () => {
    await serveOutside(archiveOf([MALWARE]), [GOOD, BAD]);
    await exported('one.tar');
    const inTheWay = join(path('inside'), 'advisories', 'feed.zip');
    await mkdir(inTheWay, { recursive: true });
    const first = await imported('one.tar');
    expect([first.code, first.stdout]).toEqual([
      1,
      expect.stringMatching(
        /imported: bundle 1 .*not taken \[state\]: nothing could be written in the data directory .*\(EISDIR\), so look at its disk, and import the bundle again; what is in force here stays/s,
      ),
    ]);
    await rm(inTheWay, { recursive: true });
    const second = await imported('one.tar');
    expect([second.code, second.stdout]).toEqual([0, expect.stringContaining('taken, and in force')]);
  });

  it('are not carried where that is not wanted: the bundle is what it would be without any', async () => {
    await serveOutside(archiveOf([MALWARE]), [GOOD]);
    await outsideWith(`archive: ${path('all.zip')}, export: false`);
    await exported('without.tar');
    expect((await readFile(path('without.tar'))).toString('latin1', 0, 2000)).toContain('"format":"verbatim-bundle/1"');
    expect((await imported('without.tar')).stdout).not.toContain('advisories');
  });

  it('are not taken where nobody reads them, or the site has its own, and that is said', async () => {
    await serveOutside(archiveOf([MALWARE]), [GOOD, BAD]);
    await exported('one.tar');
    await insideWith(undefined);
    const unread = await imported('one.tar');
    expect([unread.code, unread.stdout]).toEqual([
      0,
      expect.stringContaining('not taken [policy]: this site reads none (advisories.carried)'),
    ]);
    await writeFile(path('own.zip'), archiveOf([advisory('PYSEC-1', 'beta', {})]));
    await insideWith(`archive: ${path('own.zip')}`);
    const own = await imported('one.tar');
    expect([own.code, own.stdout]).toEqual([
      0,
      expect.stringContaining('not taken [policy]: this site has its own (advisories.archive), which count'),
    ]);
    await insideWith('carried: true');
    const rehearsed = await imported('one.tar', '--dry-run');
    expect(rehearsed.stdout).toContain('to be taken where they are newer than those here');
    const taken = await imported('one.tar');
    expect(taken.stdout).toContain('taken, and in force');
    expect((await imported('one.tar')).stdout).toContain('those in force already');
  });
});
