import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { examine } from '../../src/app/doctor/examine.ts';
import type { Area, Finding } from '../../src/app/doctor/finding.ts';
import { startSignedRig } from '../rigs/signed-rig.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { freePort } from '../support/free-port.ts';
import { PYTHON, requirePart } from '../support/python.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { error, startS3Server } from '../support/s3-server.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// An operator asks what is wrong: the whole of `verbatim doctor`, over real servers that misbehave.

const SIX = tinyWheel('six');

let folder: string;
let pypi: FakePypi;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verbatim-doctor-test-'));
  pypi = await startFakePypi();
  pypi.upload('six', SIX);
});
afterEach(async () => {
  await pypi.close();
  rmSync(folder, { recursive: true, force: true });
});

const fileHost = () => new URL(pypi.files.url).host;
const main = (over = '') =>
  `main: { evidence: index, upstream: "${pypi.url}", file_hosts: ["${new URL(pypi.files.url).origin}"]${over} }`;

function write(text: string): string {
  const file = join(folder, 'verbatim.yaml');
  writeFileSync(file, text);
  return file;
}

async function examined(
  text: string,
): Promise<{ readonly findings: readonly Finding[]; readonly begun: readonly Area[] }> {
  const file = write(`data: data\n${text}`);
  const begun: Area[] = [];
  const findings: Finding[] = [];
  const temporary = () =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('verbatim-doctor-') && !folder.endsWith(name));
  const before = temporary();
  for await (const some of examine({ given: { file, env: {} }, folder, onBegin: (area) => void begun.push(area) }))
    findings.push(...some);
  // Nothing of what it wrote is left.
  expect(temporary().filter((name) => !before.includes(name))).toEqual([]);
  expect((await readdir(folder)).filter((name) => name.includes('probe'))).toEqual([]);
  return { findings, begun };
}

const of = (findings: readonly Finding[], area: Area) =>
  findings.filter((each) => each.area === area).map(({ grade, what }) => `${grade} ${what}`);
const words = (findings: readonly Finding[], area: Area) =>
  findings
    .filter((each) => each.area === area)
    .map(({ message, next = '' }) => `${message} ${next}`)
    .join('\n');

describe('the doctor', { timeout: 240_000 }, () => {
  it.runIf(requirePart('python3 with pip', PYTHON === 'python3' || undefined))(
    'finds all well where it is, and installs for real',
    async () => {
      const { findings, begun } = await examined(`indexes:\n  ${main()}\n`);
      expect(begun).toEqual([
        'configuration',
        'data',
        'server',
        'redis',
        'buckets',
        'upstream',
        'upstream',
        'clock',
        'install',
        'clients',
      ]);
      expect(findings.filter(({ grade }) => grade === 'error')).toEqual([]);
      expect(of(findings, 'upstream')).toEqual(['good upstream']);
      expect(of(findings, 'clock')).toEqual(['good clock']);
      expect(words(findings, 'install')).toContain('pip installed six==1.0 from main');
      // It was looked for and not made.
      expect(existsSync(join(folder, 'data'))).toBe(false);
    },
  );

  it('names the hosts that pages name and the configuration forbids, and what allows them', async () => {
    const { findings } = await examined(`indexes:\n  main: { evidence: index, upstream: "${pypi.url}" }\n`);
    expect(of(findings, 'upstream')).toEqual(['good upstream', 'error file-host']);
    expect(words(findings, 'upstream')).toContain(`--file-host ${fileHost()}`);
    expect(of(findings, 'install').every((each) => each === 'error install')).toBe(true);
  });

  it('tells of every fault of a configuration at once, and looks at nothing that needs it', async () => {
    const { findings, begun } = await examined(
      'server: { port: many }\nindexes:\n  health: { evidence: index, upstream: "https://x.example/" }\n',
    );
    expect(begun).toEqual(['configuration', 'clients']);
    expect(of(findings, 'configuration')).toEqual(['error setting', 'error setting']);
    expect(words(findings, 'configuration')).toMatch(/server\.port/);
    expect(words(findings, 'configuration')).toMatch(/indexes\.health/);
  });

  it('tells of files that a start would refuse', async () => {
    const { findings } = await examined(
      `seal_key_file: none\nserver: { auth: { tokens: none }, tls: { cert: none, key: none } }\nindexes:\n  main: { upstream: "${pypi.url}", root: none }\n`,
    );
    expect(of(findings, 'configuration').filter((each) => each.startsWith('error'))).toEqual([
      'error certificate',
      'error readers',
      'error seal',
      'error root',
    ]);
    expect(of(findings, 'upstream')).toContain('error examination');
  });

  it('tells why an upstream cannot be had, and goes on with the next index', async () => {
    const port = await freePort();
    const { findings } = await examined(
      `indexes:\n  gone: { evidence: index, upstream: "http://127.0.0.1:${port}/simple/" }\n  ${main()}\n`,
    );
    expect(of(findings, 'upstream')).toEqual(['error upstream', 'good upstream']);
    expect(words(findings, 'upstream')).toMatch(/gone: .*\[unreachable\]/);
    expect(of(findings, 'install')).toContain('note install');
  });

  it('asks nobody where nobody is to be asked', async () => {
    const { findings } = await examined(`offline: true\nindexes:\n  ${main()}\n`);
    expect(of(findings, 'upstream')).toEqual(['note upstream']);
    expect(of(findings, 'install')).toEqual(['note install']);
    expect(pypi.files.requests).toEqual([]);
  });

  it('tells of a data directory that cannot be used', async () => {
    writeFileSync(join(folder, 'data'), 'a file');
    const { findings } = await examined(`indexes:\n  ${main()}\n`);
    expect(of(findings, 'data')).toEqual(['error directory']);
  });

  it('tells of a Redis that does not answer', async () => {
    const port = await freePort();
    const { findings } = await examined(`redis: { url: "redis://127.0.0.1:${port}" }\nindexes:\n  ${main()}\n`);
    expect(of(findings, 'redis')).toEqual(['error redis']);
  });

  it('races for a name in the bucket, and leaves nothing in it', async () => {
    const s3 = await startS3Server();
    onTestFinished(() => s3.close());
    writeFileSync(
      join(folder, 'keys'),
      `[default]\naws_access_key_id = ${S3_KEYS.accessKeyId}\naws_secret_access_key = ${S3_KEYS.secretAccessKey}\n`,
      { mode: 0o600 },
    );
    writeFileSync(join(folder, 'seal'), 'x'.repeat(64), { mode: 0o600 });
    const store = `s3://${S3_BUCKET}/files?endpoint=${s3.url}&region=us-east-1`;
    const text = `blobs: { store: "${store}", credentials_file: keys }\nseal_key_file: seal\nfleet: { state: "${store.replace('/files', '/state')}" }\nindexes:\n  ${main()}\n`;
    const sound = await examined(text);
    expect(of(sound.findings, 'buckets')).toEqual(['good bucket', 'good fleet-state']);
    expect([...s3.objects.keys()]).toEqual([]);
    // One that tells everybody that they were first.
    s3.misbehave(({ method, headers }, response) => {
      if (method !== 'PUT' || headers['if-none-match'] === undefined) return false;
      response.writeHead(200, { etag: '"x"' }).end();
      return true;
    });
    const { findings } = await examined(text);
    expect(of(findings, 'buckets')).toContain('warning bucket-grows');
    expect(of(findings, 'buckets')).toContain('error fleet-state');
    s3.misbehave((_, response) => {
      error(response, 403, 'AccessDenied');
      return true;
    });
    const denied = await examined(text);
    expect(of(denied.findings, 'buckets').every((each) => each.startsWith('error'))).toBe(true);
  });

  it('walks a signed index from its pinned root, and says where that does not hold', async () => {
    const rig = await startSignedRig({ fill: (signed) => signed.upload('six', SIX) });
    onTestFinished(() => rig.close());
    writeFileSync(join(folder, 'root.json'), rig.published('metadata/1.root.json'));
    const text = (at: number) =>
      `reference_time: "${new Date(at * 1000).toISOString().slice(0, 19)}Z"\nindexes:\n  main: { upstream: "${rig.upstream.url}", root: root.json }\n`;
    const { findings } = await examined(text(rig.clock.now()));
    expect(of(findings, 'upstream')[0]).toBe('good upstream');
    expect(words(findings, 'upstream')).toMatch(/root 1 \(2 signed, 2 needed/);
    writeFileSync(join(folder, 'root.json'), '{"signed":{},"signatures":[]}');
    const wrong = await examined(text(rig.clock.now()));
    expect(of(wrong.findings, 'upstream').some((each) => each.startsWith('error'))).toBe(true);
  });
});

describe('verbatim doctor', { timeout: 240_000 }, () => {
  it('says it in words and as JSON, and ends by whether something does not work', async () => {
    const file = write(`data: data\nindexes:\n  ${main()}\n`);
    const said = await verbatim('doctor', '--config', file);
    expect([said.code, said.stderr]).toEqual([0, '']);
    expect(said.stdout).toMatch(/^Configuration\n {2}ok .*\nData directory\n.*\nA real install\n/s);
    const told = await verbatim('doctor', '--config', file, '--json');
    const { fine, findings } = JSON.parse(told.stdout) as {
      readonly fine: boolean;
      readonly findings: readonly Finding[];
    };
    expect([told.code, fine]).toEqual([0, true]);
    expect(
      findings.every(({ area, grade, what, message, next }) =>
        [area, grade, what, message, next].every((each) => each !== undefined),
      ),
    ).toBe(true);

    const wrong = await verbatim('doctor', '--config', file, '--port', 'many');
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/ERROR .*--port.*\n {10}-> /);
    expect(wrong.stdout).toMatch(/1 error.*->\.\n$/);
  });
});
