import { describe, expect, it } from 'vitest';
import { prove } from '../../../src/bytes/proven.ts';
import type { IndexFile } from '../../../src/repository/index-pages.ts';
import { SignedIndex, type SignedIndexOptions } from '../../../src/repository/signed-index.ts';
import { createClient } from '../../support/client.ts';
import { createClock, DAY } from '../../support/clock.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';
import { authority, key } from '../../support/keys.ts';
import { fileName, type MetadataRequest } from '../../support/simulator.ts';

const keys = {
  root: authority(['root-1', 'root-2', 'root-3'], 2),
  targets: authority(['targets-1', 'targets-2'], 2),
  bins: authority(['bins-1', 'bins-2'], 2),
  online: authority(['online']),
};

function wheel(name: string, content: string): IndexFile {
  return { filename: name, bytes: Buffer.from(content), coreMetadata: Buffer.from(`Metadata of ${content}`) };
}
const sample = wheel('sample_project-1.0-py3-none-any.whl', 'sample');
const other = wheel('other-2.0-py3-none-any.whl', 'other');

function made(options: Partial<SignedIndexOptions> = {}) {
  const clock = createClock();
  const index = new SignedIndex({ keys, now: clock.now, binBits: 4, ...options });
  index.upload('sample-project', sample);
  index.upload('other', other);
  index.publish();
  const { files } = index.repository;
  const read = async ({ role, version }: MetadataRequest) => files.get(`metadata/${fileName(role, version)}`);
  const client = createClient({ source: { read }, clock }, files.get('metadata/1.root.json'));
  /** The bytes of a target as a client would fetch and prove them, and who lists it. */
  async function fetch(path: string) {
    const { target, listedBy, visited } = await client.find(path);
    if (target === undefined) return undefined;
    const [hex] = target.digests.values();
    const slash = path.lastIndexOf('/') + 1;
    const bytes = files.get(`targets/${path.slice(0, slash)}${hex}.${path.slice(slash)}`) ?? expect.fail(path);
    return {
      text: Buffer.from(prove(bytes, target).bytes).toString('utf8'),
      by: listedBy?.by?.name,
      roles: visited.map((visit) => visit.by?.name ?? 'targets'),
    };
  }
  return { clock, index, client, fetch };
}

describe('PEP 458: targets, bins, bin-n', () => {
  it.each(['prefixes', 'succinct'] as const)(
    'pages, files and core metadata lie in their bins, by %s',
    async (binKind) => {
      const { index, client, fetch } = made({ binKind });
      await client.refresh();
      for (const [project, file] of [
        ['sample-project', sample],
        ['other', other],
      ] as const) {
        const page = await fetch(index.pagePath(project));
        expect(page?.by).toBe(index.bins.binOf(index.pagePath(project)));
        expect(page?.roles).toEqual(['targets', 'bins', page?.by]);
        expect(page?.text).toContain(`../../${index.filePath(file)}#sha256=`);
        expect((await fetch(index.filePath(file)))?.text).toBe(Buffer.from(file.bytes).toString());
        expect((await fetch(`${index.filePath(file)}.metadata`))?.text).toContain('Metadata of');
      }
      expect(await fetch('simple/absent/index.html')).toBeUndefined();
    },
  );

  it('a new file changes its bins, snapshot and timestamp, nothing else', async () => {
    const { index, client, fetch } = made();
    await client.refresh();
    const before = new Set(index.repository.files.keys());
    const newer = wheel('other-2.1-py3-none-any.whl', 'newer');
    index.upload('other', newer);
    index.publish();
    const bins = [index.pagePath('other'), index.filePath(newer), `${index.filePath(newer)}.metadata`].map(
      index.bins.binOf,
    );
    const changed = [...index.repository.files.keys()].filter(
      (name) => !before.has(name) && name.startsWith('metadata/'),
    );
    expect(new Set(changed)).toEqual(
      new Set(['metadata/2.snapshot.json', ...bins.map((bin) => `metadata/2.${bin}.json`)]),
    );
    await client.refresh();
    expect(client.versions()).toEqual({ root: 1, timestamp: 2, snapshot: 2, targets: 1 });
    expect((await fetch(index.filePath(newer)))?.text).toBe('newer');
  });

  it('a removed file is gone', async () => {
    const { index, client, fetch } = made();
    index.remove('other', other.filename);
    index.publish();
    await client.refresh();
    expect(await fetch(index.filePath(other))).toBeUndefined();
    expect((await fetch(index.pagePath('other')))?.text).not.toContain(other.filename);
  });

  it('online roles live a day, offline ones a year', () => {
    const { index, clock } = made();
    const days = (expires: string) => (Date.parse(expires) / 1000 - clock.now()) / DAY;
    expect(days(index.repository.timestamp.expires)).toBe(1);
    expect(days(index.repository.role('bin-0').expires)).toBe(1);
    expect(days(index.repository.role('bins').expires)).toBe(365);
    expect(days(index.repository.root.expires)).toBe(365);
  });

  it('JSON pages say what PEP 691 and 700 want', async () => {
    const { index, client, fetch } = made({ pageFormat: 'json', targetHashes: ['blake2b-256'] });
    await client.refresh();
    const page: unknown = JSON.parse((await fetch(index.pagePath('sample-project')))?.text ?? '');
    expect(page).toMatchObject({
      meta: { 'api-version': '1.1' },
      name: 'sample-project',
      versions: ['1.0'],
      files: [{ filename: sample.filename, url: `../../${index.filePath(sample)}`, size: 6 }],
    });
  });

  it("16,384 bins, as PyPI's would be", async () => {
    const start = cpuTime();
    const { index, client, fetch } = made({ binBits: 14, metaHashes: ['sha256'] });
    expect(cpuTime() - start).toBeLessThan(onThisMachine(8000));
    await client.refresh();
    expect((await fetch(index.filePath(sample)))?.text).toBe('sample');
  });
});

describe('PEP 480: claimed before unclaimed', () => {
  it('a claimed project is signed by its developer, the rest by the bins', async () => {
    const { index, client, fetch } = made({ claims: true });
    index.claim('sample-project', authority(['developer']));
    index.publish();
    await client.refresh();
    const page = await fetch(index.pagePath('sample-project'));
    expect(page?.roles).toEqual(['targets', 'claimed', 'project-sample-project']);
    expect((await fetch(index.filePath(sample)))?.by).toBe('project-sample-project');
    expect((await fetch(`${index.filePath(sample)}.metadata`))?.by).toBe('project-sample-project');
    expect((await fetch(index.pagePath('other')))?.roles).toEqual([
      'targets',
      'claimed',
      'recently-claimed',
      'unclaimed',
      index.bins.binOf(index.pagePath('other')),
    ]);
  });

  it('a recent claim stands behind claimed, before unclaimed', async () => {
    const { index, client, fetch } = made({ claims: true });
    index.claim('sample-project', authority(['developer']), true);
    index.publish();
    await client.refresh();
    expect((await fetch(index.pagePath('sample-project')))?.roles).toEqual([
      'targets',
      'claimed',
      'recently-claimed',
      'project-sample-project',
    ]);
  });

  it('whoever holds every online key cannot touch a claimed project', async () => {
    const { index, client, fetch } = made({ claims: true });
    index.claim('sample-project', authority(['developer']));
    index.publish();
    const { repository } = index;
    const evil = wheel(sample.filename, 'evil');
    for (const path of [index.pagePath('sample-project'), index.filePath(evil), index.filePath(sample)]) {
      repository.addTarget(index.bins.binOf(path), path, evil.bytes);
      repository.addTarget('recently-claimed', path, evil.bytes);
    }
    repository.publish();
    await client.refresh();
    expect((await fetch(index.pagePath('sample-project')))?.by).toBe('project-sample-project');
    expect((await fetch(index.filePath(sample)))?.text).toBe('sample');
    expect(await fetch(index.filePath(evil))).toBeUndefined();
    // Nor by signing in the developer's name.
    repository.addTarget('project-sample-project', index.pagePath('sample-project'), evil.bytes);
    repository.signers.set('project-sample-project', [key('online')]);
    repository.publish();
    await client.refresh();
    await expect(fetch(index.pagePath('sample-project'))).rejects.toMatchObject({ reason: 'threshold' });
  });
});
