import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { advisory, range } from '../support/advisories.ts';
import { pipAudit, uv as uvOfToday } from '../support/environments.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Programs that ask OSV what is known of what is installed, asking this mirror instead.

const OLD = tinyWheel('alpha', '1.0');
const BAD = tinyWheel('alpha', '2.0');
const GOOD = tinyWheel('alpha', '3.0');
const RECORDS = {
  mal: advisory(
    'MAL-2026-7',
    'alpha',
    { versions: ['2.0'] },
    { summary: 'It steals keys', published: '2026-03-01T00:00:00Z' },
  ),
  old: advisory('PYSEC-2026-8', 'alpha', range({ introduced: '0' }, { fixed: '1.5' }), {
    summary: 'It leaks',
    aliases: ['CVE-2026-8'],
  }),
  gone: advisory('PYSEC-2026-9', 'alpha', {}, { withdrawn: '2026-04-01T00:00:00Z' }),
};

const bins = { audit: await pipAudit(), uv: await uvOfToday() };

let directory: string;
let rig: IndexRig;
beforeAll(async () => {
  directory = await makeScratch();
  const folder = join(directory, 'feed');
  await mkdir(folder);
  for (const [name, record] of Object.entries(RECORDS))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(record));
  rig = await startIndexRig({
    advisories: {
      from: { folder },
      ca: undefined,
      refresh: 3600,
      maxAge: 86_400,
      // What is asked is tried, and not what is refused.
      malware: 'report',
      vulnerable: 'report',
      notOf: [],
    },
    fill: (pypi) => {
      for (const wheel of [OLD, BAD, GOOD]) pypi.upload('alpha', wheel);
    },
  });
});
afterAll(async () => {
  await rig.close();
  await rm(directory, { recursive: true });
});

async function run(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(program, [...args], {
    cwd: directory,
    env: clientEnvironment(environment),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, stdout, stderr };
}

describe.runIf(requirePart('the environment pip-audit', bins.audit))('pip-audit', { timeout: 240_000 }, () => {
  const audit = async (version: string) => {
    const requirements = join(directory, `requirements-${version}.txt`);
    await writeFile(requirements, `alpha==${version}\n`);
    const asks = [
      '-s',
      'osv',
      '--osv-url',
      `${rig.url()}/v1/query`,
      '--cache-dir',
      join(directory, `cache-${version}`),
    ];
    const args = ['-m', 'pip_audit', '-r', requirements, '--no-deps', '--disable-pip', '-f', 'json', ...asks];
    const { code, stdout, stderr } = await run(join(bins.audit ?? '', 'python'), args);
    expect(stdout, stderr).not.toBe('');
    return { code, found: JSON.parse(stdout).dependencies };
  };

  it.each([
    [
      'a vulnerable version, with what mends it',
      '1.0',
      1,
      [{ id: 'PYSEC-2026-8', fix_versions: ['1.5'], aliases: ['CVE-2026-8'] }],
    ],
    ['malware', '2.0', 1, [{ id: 'MAL-2026-7', fix_versions: [], aliases: [], description: 'It steals keys' }]],
    ['nothing', '3.0', 0, []],
  ])('finds %s', async (_, version, code, vulns) => {
    expect(await audit(version)).toMatchObject({ code, found: [{ name: 'alpha', version, vulns }] });
  });
});

describe.runIf(requirePart('uv', bins.uv))('uv', { timeout: 240_000 }, () => {
  const uv = (project: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
    run(join(bins.uv ?? '', 'uv'), [...args, '--project', project], {
      UV_CACHE_DIR: join(project, 'cache'),
      UV_PYTHON_DOWNLOADS: 'never',
      UV_NO_PROGRESS: '1',
      ...environment,
    });
  const projectOf = async (version: string) => {
    const project = join(directory, `project-${version}`);
    await mkdir(project);
    const lines = ['[project]', 'name = "reader"', 'version = "1"', 'requires-python = ">=3.8"'];
    await writeFile(join(project, 'pyproject.toml'), [...lines, `dependencies = ["alpha==${version}"]`, ''].join('\n'));
    return project;
  };
  const simple = () => `${rig.url()}/simple/`;
  const audit = async (version: string) => {
    const about = ['--default-index', simple(), '--service-url', `${rig.url()}/`];
    const { code, stdout, stderr } = await uv(await projectOf(version), ['audit', '--output-format', 'json', ...about]);
    expect(stdout, stderr).not.toBe('');
    return { code, found: JSON.parse(stdout) };
  };

  it('finds what the feed has of a vulnerable version', async () => {
    const told = { id: 'PYSEC-2026-8', aliases: ['CVE-2026-8'], fix_versions: ['1.5'], summary: 'It leaks' };
    expect(await audit('1.0')).toMatchObject({ code: 1, found: { vulnerabilities: [told] } });
  });

  it('finds nothing of a good one', async () => {
    const summary = { audited_packages: 1, vulnerabilities: 0 };
    expect(await audit('3.0')).toMatchObject({ code: 0, found: { summary, vulnerabilities: [] } });
  });

  it('before a sync stops for malware that is locked from PyPI’s own address', async () => {
    const project = await projectOf('2.0');
    const { code, stderr } = await uv(project, ['lock', '--default-index', simple()]);
    expect(code, stderr).toBe(0);
    const lock = join(project, 'uv.lock');
    const locked = await readFile(lock, 'utf8');
    await writeFile(lock, locked.replaceAll(`registry = "${simple()}"`, 'registry = "https://pypi.org/simple"'));
    const check = { UV_MALWARE_CHECK: '1', UV_MALWARE_CHECK_URL: `${rig.url()}/` };
    const synced = await uv(project, ['sync', '--frozen'], check);
    expect(synced.code).not.toBe(0);
    expect(synced.stderr).toContain('MAL-2026-7');
  });
});
