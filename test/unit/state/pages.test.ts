import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openVolume } from '../../../src/disk/volume.ts';
import type { PageRecord } from '../../../src/ports/index-state.ts';
import { createPageStore } from '../../../src/state/pages.ts';
import { failAt, systemError } from '../../support/faults.ts';
import { all, content, filesBelow, refusalOf, scratch } from '../../support/volume-harness.ts';

const HOUR = 3600;

function record(over: Partial<PageRecord> = {}): PageRecord {
  return {
    project: 'demo',
    bytes: Buffer.from('{"name":"demo"}\n\0\r\n'),
    contentType: 'application/vnd.pypi.simple.v1+json',
    etag: '"a"',
    serial: 7,
    seenSerial: 8,
    fetchedAt: 1000,
    confirmedAt: 2000,
    twice: true,
    fetch: 'f1',
    ...over,
  };
}

async function opened(data?: string) {
  const directory = data ?? join(await scratch(), 'data');
  const volume = await openVolume(directory);
  return { data: directory, volume, pages: createPageStore(volume, 'main') };
}

async function pageFiles(data: string): Promise<string[]> {
  return (await filesBelow(data)).filter((path) => path.includes('/pages/')).map((path) => join(data, path));
}

describe('pages', () => {
  it('come back after a restart to the byte, with all that was known of them', async () => {
    const { data, pages } = await opened();
    const bare = record({ project: 'bare', etag: undefined, serial: undefined, seenSerial: undefined, twice: false });
    const large = record({ project: 'large', bytes: content(3_000_000) });
    for (const each of [record(), bare, large]) await pages.save(each);
    const again = (await opened(data)).pages;
    const loaded = await again.load('large');
    expect(await again.load('demo')).toEqual(record());
    expect(await again.load('bare')).toEqual(bare);
    expect(large.bytes).toSatisfy((bytes: Buffer) => bytes.equals(loaded?.bytes ?? Buffer.alloc(0)));
    expect(await again.load('other')).toBeUndefined();
    expect((await all(again.all())).map(({ project }) => project).sort()).toEqual(['bare', 'demo', 'large']);
  });

  it('are replaced whole, and gone once removed', async () => {
    const { data, pages } = await opened();
    await pages.save(record());
    await pages.save(record({ bytes: Buffer.from('new'), fetch: 'f2' }));
    expect(await (await opened(data)).pages.load('demo')).toEqual(record({ bytes: Buffer.from('new'), fetch: 'f2' }));
    await pages.remove('demo');
    await pages.remove('demo');
    await pages.remove('never');
    for (const each of [pages, (await opened(data)).pages]) {
      expect(await each.load('demo')).toBeUndefined();
      expect(await all(each.all())).toEqual([]);
    }
    await pages.save(record());
    expect(await pages.load('demo')).toEqual(record());
  });

  it('that were only confirmed again are written once an hour', async () => {
    const { data, pages } = await opened();
    await pages.save(record());
    const [path = ''] = await pageFiles(data);
    const { ino } = await stat(path);
    await pages.save(record({ fetchedAt: 4000, confirmedAt: 2000 + HOUR - 1 }));
    expect((await stat(path)).ino).toBe(ino);
    await pages.save(record({ confirmedAt: 2000 + HOUR }));
    expect((await pages.load('demo'))?.confirmedAt).toBe(2000 + HOUR);
    await pages.save(record({ confirmedAt: 2000 + HOUR, twice: false }));
    expect((await pages.load('demo'))?.twice).toBe(false);
  });

  it('that another process changed are written over what it left', async () => {
    const { data, pages } = await opened();
    const sibling = (await opened(data)).pages;
    await pages.save(record());
    await sibling.save(record({ serial: 9, seenSerial: 9 }));
    await pages.save(record());
    for (const each of [pages, sibling]) expect(await each.load('demo')).toEqual(record());
  });

  it('of any project name stay inside their directory', async () => {
    const { data, pages } = await opened();
    const names = ['../../x', '..', 'a/b', '', 'x'.repeat(300), 'é', 'con', 'a.b', '\0', 'Demo', 'demo'];
    for (const project of names) await pages.save(record({ project, seenSerial: project.length }));
    const again = (await opened(data)).pages;
    for (const project of names) expect((await again.load(project))?.seenSerial).toBe(project.length);
    expect(
      (await pageFiles(data)).every((path) => /\/indexes\/main\/pages\/[0-9a-f]{2}\/[=a-z0-9-]+$/.test(path)),
    ).toBe(true);
  });

  it('that are damaged are refused, never taken for none', async () => {
    const { data, pages } = await opened();
    await pages.save(record());
    const [path = ''] = await pageFiles(data);
    const whole = await readFile(path);
    const lowered = Buffer.from(whole.toString('latin1').replace('"serial":7', '"serial":1'), 'latin1');
    const end = Buffer.concat([whole, Buffer.from(' ')]);
    for (const bytes of [lowered, end, whole.subarray(0, -1), whole.subarray(0, 20), Buffer.alloc(0)]) {
      await writeFile(path, bytes);
      const fresh = (await opened(data)).pages;
      expect(await refusalOf(fresh.load('demo'))).toMatchObject({ reason: 'state' });
      expect(await refusalOf(fresh.save(record()))).toMatchObject({ reason: 'state' });
      expect(await refusalOf(fresh.remove('demo'))).toMatchObject({ reason: 'state' });
    }
  });

  it('of another project under this name are refused', async () => {
    const { data, pages } = await opened();
    await pages.save(record());
    const [demo = ''] = await pageFiles(data);
    const other = await readFile(demo);
    await pages.save(record({ project: 'other' }));
    const path = (await pageFiles(data)).find((each) => each !== demo) ?? '';
    await writeFile(path, other);
    expect(await refusalOf((await opened(data)).pages.load('other'))).toMatchObject({ reason: 'state' });
  });

  it('that vanish while we run are refused', async () => {
    const { data, pages } = await opened();
    await pages.save(record());
    await rm(join(data, 'indexes'), { recursive: true });
    expect(await refusalOf(pages.load('demo'))).toMatchObject({ reason: 'state' });
  });

  for (const when of ['before', 'after'] as const)
    it(`saved while the disk fails ${when} each step in turn: the old page or the new one, whole`, async () => {
      for (let at = 1; ; at++) {
        const data = join(await scratch(), 'data');
        const faults = failAt(at, when, () => {
          throw systemError('ENOSPC');
        });
        const pages = createPageStore(await openVolume(data, { ops: faults.ops }), 'main');
        await pages.save(record());
        const next = record({ bytes: content(5000), fetch: 'f2' });
        faults.arm();
        const failed = await pages.save(next).then(
          () => false,
          () => true,
        );
        faults.disarm();
        const found = await (await opened(data)).pages.load('demo');
        expect([record(), next]).toContainEqual(found);
        if (!failed) expect(found).toEqual(next);
        await pages.save(next);
        expect(await (await opened(data)).pages.load('demo')).toEqual(next);
        if (!faults.hit()) return;
      }
    });
});
