import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdvisoriesConfig } from '../../src/config/advisories/schema.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { advisory, range } from '../support/advisories.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What an advisory speaks of, over a mirror that serves.

const OLD = tinyWheel('alpha', '1.0');
const BAD = tinyWheel('alpha', '2.0');

let folder: string;
let rig: IndexRig | undefined;
beforeEach(async () => {
  folder = join(await makeScratch(), 'feed');
  await mkdir(folder);
});
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  await rm(join(folder, '..'), { recursive: true });
});

const start = async (given: Partial<AdvisoriesConfig> = {}) => {
  const settings = { malware: 'deny', vulnerable: 'report', notOf: [], ...given } as const;
  rig = await startIndexRig({
    advisories: { from: { folder }, ca: undefined, refresh: 3600, maxAge: 86_400, ...settings },
    fill: (pypi) => {
      for (const wheel of [OLD, BAD]) pypi.upload('alpha', wheel);
    },
  });
  return rig;
};
const say = (name: string, record: object) => writeFile(join(folder, name), JSON.stringify(record));
const malware = () =>
  say('mal.json', advisory('MAL-2026-7', 'alpha', { versions: ['2.0'] }, { summary: 'It steals keys' }));

describe('a version that is malware', () => {
  it('is listed and refused in words, and the others are served', async () => {
    await malware();
    const mirror = await start();
    expect(await mirror.names('alpha')).toEqual([OLD.filename, BAD.filename]);
    const answer = await mirror.get(mirror.path(BAD));
    expect(answer.status).toBe(403);
    expect(answer.body.toString()).toContain('MAL-2026-7 (It steals keys) says that it is malware');
    expect((await mirror.get(mirror.path(OLD))).status).toBe(200);
  });

  it('is left out of the page where that is wanted, and its address is refused', async () => {
    await malware();
    const mirror = await start({ malware: 'hide' });
    expect(await mirror.names('alpha')).toEqual([OLD.filename]);
    expect(await mirror.refused(mirror.path(BAD))).toBe('403 policy');
  });

  it('is refused though it was held and sent before, once the feed says so, and comes back when that is withdrawn', async () => {
    await say('other.json', advisory('PYSEC-1', 'beta', {}));
    const mirror = await start({ malware: 'hide' });
    expect((await mirror.get(mirror.path(BAD))).status).toBe(200);
    expect(await mirror.names('alpha')).toEqual([OLD.filename, BAD.filename]);
    await malware();
    await mirror.restart();
    expect(await mirror.refused(mirror.path(BAD))).toBe('403 policy');
    expect(await mirror.names('alpha')).toEqual([OLD.filename]);
    const gone = { modified: '2026-06-01T00:00:00Z', withdrawn: '2026-06-01T00:00:00Z' };
    await say('mal.json', advisory('MAL-2026-7', 'alpha', { versions: ['2.0'] }, gone));
    await mirror.restart();
    expect(await mirror.names('alpha')).toEqual([OLD.filename, BAD.filename]);
    expect((await mirror.get(mirror.path(BAD))).status).toBe(200);
  });

  it('is another project in an index whose names are not those of PyPI', async () => {
    await malware();
    const mirror = await start({ notOf: ['main'] });
    expect((await mirror.get(mirror.path(BAD))).status).toBe(200);
  });
});

describe('a version with a known vulnerability', () => {
  it('is served unless it is to be refused', async () => {
    await say('v.json', advisory('PYSEC-2026-2', 'alpha', range({ introduced: '0' }, { fixed: '2.0' })));
    const mirror = await start();
    expect((await mirror.get(mirror.path(OLD))).status).toBe(200);
    expect(await mirror.names('alpha')).toEqual([OLD.filename, BAD.filename]);
    expect(mirror.events.ruled).toMatchObject([{ rule: 'known vulnerable', action: 'report', files: 1 }]);
    expect(mirror.events.ruled[0]?.why).toContain('PYSEC-2026-2');
    await mirror.close();
    rig = undefined;
    const strict = await start({ vulnerable: 'deny' });
    expect(await strict.refused(strict.path(OLD))).toBe('403 policy');
    expect((await strict.get(strict.path(BAD))).status).toBe(200);
  });
});
