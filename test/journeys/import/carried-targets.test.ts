import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { formatFor } from '../../../src/bundle/format/model.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { Repository } from '../../../src/repository/repository.ts';
import { SignedIndex } from '../../../src/repository/signed-index.ts';
import { IMPORT, startImportRig } from '../../rigs/import-rig.ts';
import { makeScratch, NOW, signedConfig, startMirror } from '../../rigs/mirror.ts';
import { KEYS } from '../../rigs/signed-rig.ts';
import { type Content, makeBundle } from '../../support/bundles.ts';
import { createClock } from '../../support/clock.ts';
import { authority } from '../../support/keys.ts';
import { now } from '../../support/rig.ts';
import { signedBundle } from '../../support/signed-bundles.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';
import { startUpstream, type TestUpstream } from '../../support/upstream.ts';
import { startVerbatim, verbatim } from '../../support/verbatim.ts';

// An index of which no target is a page: what its roles list is held, carried and served.

const EVERYTHING = ['*', '*/*'];
const bytesOf = (path: string) => Buffer.from(`${path} `.repeat(100));
const TARGETS: Readonly<Record<string, string>> = {
  'top.pem': 'targets',
  'npm/keys.json': 'npm',
  'npm/more.json': 'npm',
  'deep/leaf.bin': 'deep',
};

let directory: string;
let repository: Repository;
let upstream: TestUpstream;
let place: readonly string[];
beforeEach(async () => {
  directory = await makeScratch();
  repository = new Repository({
    authorities: {
      root: authority(['root']),
      targets: authority(['targets']),
      snapshot: authority(['snapshot']),
      timestamp: authority(['timestamp']),
    },
    now,
    // No SHA-256: the bytes are found by what the roles say.
    targetHashes: ['sha512'],
  });
  const delegated = authority(['delegated']);
  repository.delegate('targets', { name: 'npm', authority: delegated, paths: ['npm/*'] });
  repository.delegate('targets', { name: 'rest', authority: delegated, paths: EVERYTHING });
  repository.delegate('rest', { name: 'deep', authority: delegated, paths: ['deep/*'] });
  for (const [path, role] of Object.entries(TARGETS)) repository.addTarget(role, path, bytesOf(path));
  // It has no say of this one: its delegator lets it speak for npm/ alone.
  repository.addTarget('npm', 'top.pem', Buffer.from('another'));
  repository.publish();
  upstream = await startUpstream({ files: repository.files });
  const root = join(directory, 'root.json');
  await writeFile(root, repository.files.get('metadata/1.root.json') ?? '');
  const files = ['--layout', 'plain', '--files-url', `${upstream.url}targets/`];
  place = ['--data', join(directory, 'outside'), '--upstream', upstream.url, '--root', root, ...files];
}, 60_000);
afterEach(async () => {
  await upstream.close();
  await rm(directory, { recursive: true });
});

interface Report {
  readonly missing: readonly { readonly what: string }[];
}

async function synced(...words: readonly string[]) {
  const { code, stdout, stderr } = await verbatim('sync', ...words, ...place, '--json');
  const report = stdout.trim().split('\n').at(-1) ?? '';
  return { code, stderr, report: JSON.parse(report === '' ? '{}' : report) as Report };
}

/** A site that no network leads to. */
async function insideOf(name: string): Promise<{ readonly config: string; readonly data: string }> {
  const config = join(directory, `${name}.yaml`);
  const data = join(directory, name);
  await writeFile(
    config,
    `data: ${data}\nindexes:\n  main:\n    root: root.json\n    layout: plain\n    import:\n      max_age: 36500\n`,
  );
  return { config, data };
}

async function served(config: string, data: string, paths: readonly string[]): Promise<Record<string, unknown>> {
  const inside = await startVerbatim(['--config', config], data);
  try {
    const found: Record<string, unknown> = {};
    for (const path of paths) {
      const from = path.startsWith('metadata/') ? inside.metadata : inside.targets;
      const answer = await fetch(new URL(path.replace('metadata/', ''), from));
      const bytes = Buffer.from(await answer.arrayBuffer());
      found[path] = answer.status === 200 ? bytes.toString() : answer.status;
    }
    return found;
  } finally {
    await inside.close();
  }
}

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('an index of which no target is a page', { timeout: 240_000 }, () => {
  it('is held whole, carried whole, and served whole, delegated roles and all', async () => {
    const before = await synced('--listed', '--check');
    expect(before.code).not.toBe(0);
    const whole = await synced('--listed');
    expect([whole.code, whole.stderr]).toEqual([0, expect.not.stringContaining('rror')]);
    expect((await synced('--listed', '--check')).code).toBe(0);

    const bundle = join(directory, 'bundle.tar');
    const exported = await verbatim('export', bundle, ...place);
    expect([exported.code, exported.stderr]).toEqual([0, '']);
    const { config, data } = await insideOf('inside');
    const imported = await verbatim('import', bundle, '--config', config);
    expect([imported.code, imported.stderr]).toEqual([0, '']);
    expect(imported.stdout).toContain('0 pages and 0 files and 4 other targets proved');
    // What is about the bundle goes, and what it brought stays.
    const pruned = await verbatim('prune', '--reason', 'test', '--config', config);
    expect([pruned.code, pruned.stdout]).toEqual([0, expect.stringContaining('dropped 2 files')]);
    const roles = ['metadata/1.npm.json', 'metadata/1.rest.json', 'metadata/1.deep.json'];
    const paths = Object.keys(TARGETS);
    expect(await served(config, data, [...paths, ...roles])).toEqual({
      ...Object.fromEntries(paths.map((path) => [path, bytesOf(path).toString()])),
      ...Object.fromEntries(roles.map((name) => [name, text(repository.files.get(name))])),
    });
  });

  it('of what is held a sync takes what the same roles list, an export what is held, and says what it leaves', async () => {
    const outside = await startVerbatim(place.slice(2), join(directory, 'outside'));
    expect((await fetch(new URL('npm/keys.json', outside.targets))).status).toBe(200);
    await outside.close();
    const left = await verbatim('export', join(directory, 'one.tar'), ...place);
    expect([left.code, left.stderr]).toEqual([
      0,
      expect.stringMatching(/not carried: 2 files.*\n.*not held: 1 delegated roles/),
    ]);
    const { code } = await synced('--held');
    expect(code).toBe(0);
    const check = await synced('--listed', '--check');
    expect(check.code).not.toBe(0);
    const missing = check.report.missing.map(({ what }) => what);
    expect(missing).toEqual(expect.arrayContaining(['top.pem', 'rest']));
    expect(missing).not.toContain('npm/more.json');
  });
});

describe('a bundle that carries targets', () => {
  const ALPHA = tinyWheel('alpha');
  const refusalOf = (work: Promise<unknown>) =>
    work.then(
      () => 'nothing',
      (error: unknown) => (error instanceof Refusal ? `${error.reason}: ${error.message}` : String(error)),
    );

  it('is refused where one is not what its role says, or no role lists it', async () => {
    const clock = createClock(NOW);
    const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
    signed.upload('alpha', ALPHA);
    signed.publish();
    const root = join(directory, 'signed.json');
    await writeFile(root, signed.repository.files.get('metadata/1.root.json') ?? '');
    const config = signedConfig({ upstream: 'https://main.invalid/', root, import: IMPORT });
    const site = await startMirror({ scratch: await makeScratch(), clock, indexes: () => [config] });
    onTestFinished(() => site.close());
    const carrying = async (name: string, content: Uint8Array) => {
      const change = (contents: Content[]) => void contents.push({ kind: 'target', name, content });
      const header = { format: formatFor('target') };
      return (await signedBundle(signed, { wheels: [ALPHA], at: NOW, header, change })).whole;
    };
    const path = signed.filePath(ALPHA);
    expect(await refusalOf(site.take([await carrying(path, Buffer.from('another'))]))).toMatch(
      /^mix-and-match: The manifest names another target of /,
    );
    expect(await refusalOf(site.take([await carrying('nobody/lists.this', Buffer.from('x'))]))).toMatch(/^unlisted: /);
    expect(await site.refused('/simple/alpha/')).toBe('503 offline');
    // The same content is carried once, as that of the file.
    expect(await site.take([await carrying(path, ALPHA.bytes)])).toMatchObject({ pages: 1, files: 1, targets: 1 });
  });

  it('is refused where the index signs nothing', async () => {
    const rig = await startImportRig();
    onTestFinished(() => rig.close());
    const contents = [{ kind: 'target', name: 'any', content: Buffer.from('x') } as const];
    const { whole } = await makeBundle({ header: { format: formatFor('target') }, contents, keys: [rig.key] });
    expect(await refusalOf(rig.take([whole]))).toMatch(/^mix-and-match: .* of an index that signs nothing/);
  });
});
