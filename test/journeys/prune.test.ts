import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { encodeStateLine } from '../../src/bundle/export/state-lines.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { ExportHistory } from '../../src/disk/bundles/export-history.ts';
import { WorkMarks } from '../../src/disk/bundles/work-marks.ts';
import { nodeFileOps } from '../../src/disk/file-ops.ts';
import { type FakePypi, startFakePypi } from '../support/fake-pypi.ts';
import { S3_BUCKET, S3_KEYS } from '../support/s3.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { Sender, signingKey } from '../support/sender.ts';
import { withState } from '../support/state.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';
import { startCommand, startVerbatim, verbatim, verbatimWith } from '../support/verbatim.ts';

// verbatim prune: what nothing needs goes, beside a server that runs and without one; everything else stays.

/** Too large to lie among the small ones, whose files cannot be looked for by name. */
const BYTES = 100_000;
const large = (project: string, version: string) =>
  tinyWheel(project, version, `${project} ${version} `.repeat(BYTES / 10));
const OLD = large('alpha', '1.0');
const NEW = large('alpha', '2.0');

let folder: string;
let data: string;
beforeEach(async () => {
  const made = await mkdtemp(join(tmpdir(), 'verbatim-prune-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  folder = made;
  data = join(folder, 'data');
});

async function isThere({ bytes }: Pick<TinyWheel, 'bytes'>): Promise<boolean> {
  const sha256 = sha256Hex(bytes);
  return stat(join(data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2))).then(
    () => true,
    () => false,
  );
}

async function prune(...words: readonly string[]) {
  const { code, stdout, stderr } = await verbatim('prune', '--data', data, '--json', ...words);
  return { code, stderr, said: stdout === '' ? undefined : JSON.parse(stdout) };
}

const audit = () =>
  withState(data, async (index) =>
    ((await index.facts.read())?.value.audit ?? [])
      .map(({ action, reason }) => `${action}: ${reason}`)
      .filter((line) => line.startsWith('prune')),
  );

describe('of an index with an upstream', { timeout: 120_000 }, () => {
  let pypi: FakePypi;
  const uploaded = async () => {
    const upstream = await startFakePypi();
    for (const wheel of [OLD, NEW]) upstream.upload('alpha', wheel);
    return upstream;
  };
  beforeEach(async () => {
    const upstream = await uploaded();
    onTestFinished(() => upstream.close());
    pypi = upstream;
  });
  const words = () => ['--upstream', `${pypi.url}simple/`, '--file-host', `127.0.0.1:${pypi.files.port}`];

  /** A server that holds both files, and has seen since that upstream took the old one away. */
  async function serving(flags: readonly string[] = [], meanwhile = async () => {}, env = {}) {
    const server = await startVerbatim([...words(), ...flags], data, { env });
    const get = async (path: string) => Buffer.from(await (await fetch(new URL(path, server.simple))).arrayBuffer());
    await get('alpha/');
    for (const wheel of [OLD, NEW]) {
      expect((await get(pypi.storedAt(wheel))).equals(wheel.bytes)).toBe(true);
      await get(`${pypi.storedAt(wheel)}.metadata`);
    }
    await meanwhile();
    pypi.remove('alpha', OLD.filename);
    const page = async () => {
      expect((await verbatimWith(env, 'refresh', 'main', 'alpha', ...words(), ...flags, '--data', data)).code).toBe(0);
      return String(await get('alpha/'));
    };
    await expect.poll(page, { timeout: 60_000 }).not.toContain(OLD.filename);
    return { ...server, get };
  }

  it('a file that upstream lists no more goes, and is told before; what a page lists stays', async () => {
    const server = await serving();
    try {
      const looked = await prune(...words(), '--dry-run');
      expect([looked.code, looked.stderr]).toEqual([0, '']);
      expect(looked.said).toMatchObject({
        dryRun: true,
        would: { files: 2, as: { unlisted: { files: 2 } }, byIndex: { main: { files: 2 } } },
        stays: { page: { files: 2 } },
        pruned: null,
      });
      expect(looked.said.would.bytes).toBeGreaterThan(OLD.bytes.byteLength);
      expect([await isThere(OLD), await audit()]).toEqual([true, []]);
      const done = await prune(...words(), '--reason', 'ticket 17');
      expect([done.code, done.stderr]).toEqual([0, '']);
      expect(done.said.pruned).toEqual({ files: 2, bytes: looked.said.would.bytes, spared: 0, failed: 0 });
      expect([await isThere(OLD), await isThere(NEW)]).toEqual([false, true]);
      expect(await audit()).toEqual([`prune of 2 files, ${looked.said.would.bytes} bytes: ticket 17`]);
      const asked = pypi.files.requests.length;
      expect((await server.get(pypi.storedAt(NEW))).equals(NEW.bytes)).toBe(true);
      expect(pypi.files.requests.length).toBe(asked);
      expect((await prune(...words())).said.pruned).toEqual({ files: 0, bytes: 0, spared: 0, failed: 0 });
    } finally {
      await server.close();
    }
  });

  it('a file that upstream lists no more stays where such files are served on', async () => {
    await (await serving()).close();
    const main = { evidence: 'index', upstream: `${pypi.url}simple/`, file_hosts: [`127.0.0.1:${pypi.files.port}`] };
    const config = join(folder, 'verbatim.yaml');
    await writeFile(config, JSON.stringify({ indexes: { main: { ...main, removed: 'serve' } } }));
    const { said } = await prune('--config', config);
    expect(said).toMatchObject({ stays: { pin: { files: 2 } }, pruned: { files: 0 } });
    expect(await isThere(OLD)).toBe(true);
  });

  it('the same beside a server of several workers', async () => {
    const server = await serving(['--workers', '2']);
    try {
      const done = await prune(...words());
      expect([done.code, done.said.pruned.files]).toEqual([0, 2]);
      expect([await isThere(OLD), await isThere(NEW)]).toEqual([false, true]);
    } finally {
      await server.close();
    }
  });

  it('what an export had stays as long as it can be made again', async () => {
    const out = join(folder, 'out.tar');
    const server = await serving([], async () => {
      expect((await verbatim('export', out, ...words(), '--data', data)).code).toBe(0);
    });
    await server.close();
    expect((await prune(...words())).said).toMatchObject({ stays: { export: { files: 2 } } });
    expect(await isThere(OLD)).toBe(true);
    const again = await verbatim('export', join(folder, 'again.tar'), '--again', '1', ...words(), '--data', data);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect((await readFile(join(folder, 'again.tar'))).equals(await readFile(out))).toBe(true);
    await rm(join(data, 'exports'), { recursive: true });
    await prune(...words());
    expect([await isThere(OLD), await isThere(NEW)]).toEqual([false, true]);
  });

  describe('in a bucket', () => {
    const keys = { AWS_ACCESS_KEY_ID: S3_KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: S3_KEYS.secretAccessKey };
    const inBucket = (s3: S3Server) => ['--blobs', `s3://${S3_BUCKET}/files?endpoint=${s3.url}`];
    const keyOf = (s3: S3Server, { bytes }: TinyWheel) =>
      [...s3.objects.keys()].find((key) => key.endsWith(sha256Hex(bytes)));
    const age = (s3: S3Server) => {
      const changed = new Date(Date.now() - 2 * 86_400_000);
      for (const [key, { bytes }] of s3.objects) s3.objects.set(key, { bytes, changed });
    };

    it.each([true, false])(
      'what nobody used lately goes, by the one that leads (beside a server: %s)',
      async (beside) => {
        const s3 = await startS3Server();
        onTestFinished(() => s3.close());
        const server = await serving(inBucket(s3), async () => {}, keys);
        await expect
          .poll(() => [OLD, NEW].every((wheel) => keyOf(s3, wheel) !== undefined), { timeout: 60_000 })
          .toBe(true);
        if (!beside) await server.close();
        const run = async () => {
          const { code, stdout } = await verbatimWith(
            keys,
            'prune',
            '--json',
            ...words(),
            ...inBucket(s3),
            '--data',
            data,
          );
          return [code, JSON.parse(stdout).pruned];
        };
        // Written a moment ago: others may count on it.
        expect(await run()).toEqual([0, expect.objectContaining({ files: 0, spared: 2 })]);
        expect(keyOf(s3, OLD)).toBeDefined();
        age(s3);
        expect(await run()).toEqual([0, expect.objectContaining({ files: 2, spared: 0 })]);
        expect([keyOf(s3, OLD), keyOf(s3, NEW) !== undefined]).toEqual([undefined, true]);
        if (beside) await server.close();
      },
    );
  });

  describe('and no server', () => {
    // Made once: each test has a copy.
    let template: { readonly upstream: FakePypi; readonly copy: string } | undefined;
    beforeEach(async () => {
      if (template !== undefined) {
        pypi = template.upstream;
        return cp(template.copy, data, { recursive: true });
      }
      pypi = await uploaded();
      await (await serving()).close();
      template = { upstream: pypi, copy: await mkdtemp(join(tmpdir(), 'verbatim-prune-template-')) };
      await cp(data, template.copy, { recursive: true });
    });
    afterAll(async () => {
      await template?.upstream.close();
      if (template !== undefined) await rm(template.copy, { recursive: true });
    });

    it('the same goes, and the rest stays', async () => {
      const done = await verbatim('prune', ...words(), '--data', data);
      expect([done.code, done.stderr]).toEqual([0, '']);
      expect(done.stdout).toMatch(/goes: 2 files, \d+ bytes: a file that upstream lists no more/);
      expect(done.stdout).toMatch(/stays: 2 files, \d+ bytes: a page lists it/);
      expect(done.stdout).toContain('It is in the audit trail.');
      expect([await isThere(OLD), await isThere(NEW)]).toEqual([false, true]);
      expect(await audit()).toHaveLength(1);
    });

    it('what a pin names of a page that is not at hand stays', async () => {
      await withState(data, async (index) => {
        const pins = (await index.pins('alpha').read())?.value ?? new Map();
        await index.pins('elsewhere').change(() => pins);
      });
      const { said } = await prune(...words());
      expect(said).toMatchObject({ pruned: { files: 0 }, stays: { pin: { files: 2 } }, pagesNotAtHand: 1 });
      expect(await isThere(OLD)).toBe(true);
    });

    it('what an operator keeps from being served stays', async () => {
      const quarantined = await verbatim('quarantine', 'main', 'alpha', '--reason', 'x', ...words(), '--data', data);
      expect([quarantined.code, quarantined.stderr]).toEqual([0, '']);
      expect((await prune(...words())).said).toMatchObject({ pruned: { files: 0 } });
      expect([await isThere(OLD), await isThere(NEW)]).toEqual([true, true]);
    });

    it('what an export that is being made has written down stays', async () => {
      const making = await new ExportHistory(nodeFileOps, data, 'main').begin();
      const state = await making.create('state.jsonl');
      const entry = { kind: 'file', project: 'alpha', name: OLD.filename, size: OLD.bytes.byteLength } as const;
      await state.append(encodeStateLine({ ...entry, sha256: sha256Hex(OLD.bytes), mark: undefined }));
      await state.settle();
      expect((await prune(...words())).said.stays).toMatchObject({ export: { files: 1 } });
      expect(await isThere(OLD)).toBe(true);
      await making.discard();
      await prune(...words());
      expect(await isThere(OLD)).toBe(false);
    });

    it('nothing goes while an import, a sync or another prune is under way', async () => {
      for (const work of ['import', 'sync', 'prune'] as const) {
        const mark = await new WorkMarks(nodeFileOps, data).begin(work);
        const refused = await prune(...words());
        expect([refused.code, refused.said]).toEqual([1, undefined]);
        expect(refused.stderr).toMatch(/under way in this data directory: run this again/);
        await mark.end();
      }
      expect([await isThere(OLD), await audit()]).toEqual([true, []]);
    });

    it('a sync that begins while something is removed waits until that is through', async () => {
      const mark = await new WorkMarks(nodeFileOps, data).begin('prune');
      const sync = startCommand(['sync', '--project', 'alpha', ...words(), '--data', data]);
      await expect
        .poll(async () => (await readdir(join(data, 'work'))).some((name) => name.startsWith('sync-')), {
          timeout: 60_000,
        })
        .toBe(true);
      const asked = pypi.requests.length;
      await mark.end();
      expect((await sync.ended).code).toBe(0);
      expect(pypi.requests.length).toBeGreaterThanOrEqual(asked);
      expect((await readdir(join(data, 'work'))).filter((name) => name.startsWith('sync-'))).toEqual([]);
    });

    it('nothing goes where an index lies there that the configuration does not name', async () => {
      await mkdir(join(data, 'indexes', 'other'));
      const refused = await prune(...words());
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('the index other needs')]);
      expect(await isThere(OLD)).toBe(true);
    });
  });
});

describe('of an index that bundles bring', { timeout: 120_000 }, () => {
  const versions = ['1.0', '2.0', '3.0', '4.0'].map((version) => large('alpha', version));

  it('the last imports and all that they need stay, and a later bundle builds on them', async () => {
    const key = await signingKey();
    const sender = new Sender([key], Math.floor(Date.now() / 1000) - 5 * 86_400);
    const config = join(folder, 'verbatim.yaml');
    await writeFile(
      config,
      `data: ${data}\nindexes:\n  main:\n    evidence: index\n    import:\n      keys: [{ name: outside, ed25519: ${key.public} }]\n      generations: 2\n`,
    );
    const take = async (...wheels: readonly TinyWheel[]) => {
      sender.put('alpha', ...wheels);
      const since = sender.sent === 0 ? undefined : sender.sent;
      const path = join(folder, `${sender.sent}.tar`);
      await writeFile(path, (await sender.bundle({ since })).whole);
      const { code, stderr } = await verbatim('import', path, '--config', config);
      expect([code, stderr]).toEqual([0, '']);
    };
    const [first, second, third, fourth] = versions;
    if (!first || !second || !third || !fourth) throw new TypeError('there are four');
    await take(first, second);
    await take(second, third);
    await take(third);
    const there = async () => Promise.all([first, second, third].map(isThere));
    const looked = await verbatim('prune', '--config', config, '--dry-run');
    expect(looked.stdout).toMatch(/goes: \d+ files, \d+ bytes: only imports before the last ones have it/);
    expect(await there()).toEqual([true, true, true]);
    const done = await verbatim('prune', '--config', config, '--json');
    expect([done.code, done.stderr]).toEqual([0, '']);
    expect(JSON.parse(done.stdout).pruned.files).toBeGreaterThan(0);
    expect(await there()).toEqual([false, true, true]);
    await take(third, fourth);
    const verified = await verbatim('verify', '--config', config);
    expect(verified.code).toBe(0);
    await verbatim('prune', '--config', config);
    expect(await there()).toEqual([false, false, true]);
    expect((await verbatim('prune', '--config', config, '--json')).stdout).toContain('"files": 0');
  });
});
