import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { formatFor } from '../../../src/bundle/format/model.ts';
import type { Imported, ImportPlace } from '../../../src/bundle/import/place.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { SignedIndex } from '../../../src/repository/signed-index.ts';
import { IMPORT, type ImportRig, startImportRig } from '../../rigs/import-rig.ts';
import { type Mirror, makeScratch, NOW, signedConfig, startMirror } from '../../rigs/mirror.ts';
import { KEYS } from '../../rigs/signed-rig.ts';
import { advisoriesFrom, advisory, archiveOf } from '../../support/advisories.ts';
import type { Content } from '../../support/bundles.ts';
import { createClock } from '../../support/clock.ts';
import { endingAt, Killed } from '../../support/ending-imports.ts';
import { feedOf } from '../../support/sender.ts';
import { signedBundle } from '../../support/signed-bundles.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Advisories that a bundle brings: the last good ones stay, whatever comes.

const ALPHA = tinyWheel('alpha', '1.0');
const BETA = tinyWheel('beta', '1.0');
const ADVISORIES = advisoriesFrom({ carried: true });
const against = (project: string, modified: string) =>
  advisory(`MAL-${project}`, project, { versions: ['1.0'] }, { modified });
const OLD = archiveOf([against('beta', '2026-01-01T00:00:00Z')]);
const NEW = archiveOf([against('alpha', '2026-03-01T00:00:00Z')]);

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function begun(): Promise<ImportRig> {
  const rig = await startImportRig({ advisories: ADVISORIES });
  open.push(rig);
  rig.sender.put('alpha', ALPHA);
  rig.sender.put('beta', BETA);
  return rig;
}

const told = ({ advisories }: Imported) =>
  [advisories?.became, advisories?.reason].filter((word) => word !== undefined).join(' ');

/** What the addresses of both files answer. */
async function answers(mirror: Mirror): Promise<string> {
  const statuses: string[] = [];
  for (const project of ['alpha', 'beta']) {
    const [file] = (await mirror.page(project)).files;
    const { pathname } = new URL(file?.url ?? '', `http://mirror.invalid/simple/${project}/`);
    statuses.push(`${project} ${(await mirror.get(pathname)).status}`);
  }
  return statuses.join(', ');
}

const BY_OLD = 'alpha 200, beta 403';
const BY_NEW = 'alpha 403, beta 200';
const BY_NONE = 'alpha 200, beta 200';

describe('advisories that a bundle brings', () => {
  it('are in force at once and after a start, and those that are older never take their place', async () => {
    const rig = await begun();
    expect(rig.events.rejected).toMatchObject([{ reason: 'unlisted', thing: 'carried in bundles' }]);
    expect(told(await rig.take([(await rig.sender.bundle({ advisories: NEW })).whole]))).toBe('taken');
    expect(await answers(rig)).toBe(BY_NEW);
    const older = await rig.take([(await rig.sender.bundle({ advisories: OLD })).whole]);
    expect([told(older), older.advisories?.why]).toEqual([
      'left regressed',
      expect.stringContaining('the one before stays in force'),
    ]);
    expect(await answers(rig)).toBe(BY_NEW);
    await rig.restart();
    expect(await answers(rig)).toBe(BY_NEW);
    expect(told(await rig.take([(await rig.sender.bundle({ advisories: NEW })).whole]))).toBe('here');
  });

  it('come with each bundle that has newer ones, and of one that was imported before they are not taken anew', async () => {
    const rig = await begun();
    const first = await rig.sender.bundle({ advisories: OLD });
    expect(told(await rig.take([first.whole]))).toBe('taken');
    expect(await answers(rig)).toBe(BY_OLD);
    expect(told(await rig.take([first.whole]))).toBe('here');
    const second = await rig.sender.bundle({ since: 1, advisories: NEW });
    expect(told(await rig.take([second.whole], { dryRun: true }))).toBe('untried');
    expect(await answers(rig)).toBe(BY_OLD);
    expect(told(await rig.take([second.whole]))).toBe('taken');
    expect(told(await rig.take([first.whole]))).toBe('left rollback');
    expect(await answers(rig)).toBe(BY_NEW);
    // What a bundle does not carry stays.
    const third = await rig.take([(await rig.sender.bundle()).whole]);
    expect(third.advisories).toBeUndefined();
    expect(await answers(rig)).toBe(BY_NEW);
  });

  it('that cannot be read are refused, and the rest of the bundle is taken', async () => {
    const rig = await begun();
    await rig.take([(await rig.sender.bundle({ advisories: OLD })).whole]);
    const other = archiveOf([
      { ...advisory('X-1', 'x', {}), affected: [{ package: { ecosystem: 'npm', name: 'x' } }] },
    ]);
    for (const bad of [Buffer.from('no zip'), NEW.subarray(0, NEW.length - 1), other]) {
      rig.sender.put('gamma', tinyWheel('gamma', `${rig.sender.sent}.0`));
      const taken = await rig.take([(await rig.sender.bundle({ advisories: bad })).whole]);
      expect([told(taken), taken.pages]).toEqual([expect.stringMatching(/^left (format|unlisted)$/), 3]);
      expect(await answers(rig)).toBe(BY_OLD);
    }
  });

  it('that are damaged on the way are named by their piece, and the last good ones stay', async () => {
    const rig = await begun();
    await rig.take([(await rig.sender.bundle({ advisories: OLD })).whole]);
    const large = archiveOf([against('alpha', '2026-03-01T00:00:00Z'), Buffer.alloc(20_000, 'x')]);
    const { head, pieces, whole, body } = await rig.sender.bundle({ advisories: large, pieceSize: 4096 });
    const at = body.indexOf(large) + 100;
    const piece = Math.floor(at / 4096);
    const flipped = Buffer.from(pieces[piece] ?? []);
    flipped.writeUInt8(flipped.readUInt8(at % 4096) ^ 1, at % 4096);
    const damaged = pieces.map((each, place) => (place === piece ? flipped : each));
    await expect(rig.take([head, ...damaged])).rejects.toThrow(`piece ${piece + 1} is missing`);
    // In one file no piece is hashed beforehand: the member is.
    const file = Buffer.from(whole);
    file.writeUInt8(file.readUInt8(head.length + at) ^ 1, head.length + at);
    await expect(rig.take([file])).rejects.toThrow(`It lies in piece ${piece + 1}: carry that again.`);
    expect(await answers(rig)).toBe(BY_OLD);
    expect(told(await rig.take([head, ...pieces]))).toBe('taken');
    expect(await answers(rig)).toBe(BY_NEW);
  });

  it('are taken anew of the last bundle where what is kept of them is damaged', async () => {
    const rig = await begun();
    const { whole } = await rig.sender.bundle({ advisories: NEW });
    await rig.take([whole]);
    const kept = join(rig.data(), 'advisories', 'feed.zip');
    await rig.stop();
    await writeFile(kept, 'damaged');
    await rig.start();
    expect(await answers(rig)).toBe(BY_NONE);
    expect(told(await rig.take([whole]))).toBe('taken');
    expect(await answers(rig)).toBe(BY_NEW);
    expect(await readFile(kept)).toEqual(NEW);
  });
});

describe.each([
  { ends: 'before a step', before: true },
  { ends: 'after a step', before: false },
])('an import that is killed $ends', ({ before }) => {
  it('leaves the old ones in force or the new ones, and comes to the new ones when it is run again', async () => {
    const seen = new Set<string>();
    for (let at = 1; ; at++) {
      const rig = await begun();
      await rig.take([(await rig.sender.bundle({ advisories: OLD })).whole]);
      const { whole } = await rig.sender.bundle({ since: 1, advisories: NEW });
      const { place, steps } = endingAt(at, () => new Killed(), before);
      const ended = await rig.take([whole], { place }).catch((error: unknown) => error);
      if (!(ended instanceof Killed)) {
        // The last step is the one that keeps them: after it they are in force.
        expect([steps(), [...seen].sort()]).toEqual([at - 1, before ? [BY_OLD] : [BY_OLD, BY_NEW]]);
        return;
      }
      await rig.kill();
      seen.add(await answers(rig));
      expect(['taken', 'here']).toContain(told(await rig.take([whole])));
      expect([at, await answers(rig)]).toEqual([at, BY_NEW]);
      await rig.close();
      open.pop();
    }
  }, 240_000);
});

describe('a bundle of a signed index that nobody signed', () => {
  it('is taken for what its roles prove, and its advisories are not', async () => {
    const clock = createClock(NOW);
    const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: clock.now });
    signed.upload('alpha', ALPHA);
    signed.publish();
    const scratch = await makeScratch();
    const root = join(scratch, 'root.json');
    await writeFile(root, signed.repository.files.get('metadata/1.root.json') ?? '');
    const config = signedConfig({ upstream: 'https://main.invalid/', root, import: IMPORT });
    const site = await startMirror({ scratch, clock, indexes: () => [config], advisories: ADVISORIES });
    onTestFinished(() => site.close());
    const header = { format: formatFor('advisories') };
    const change = (contents: Content[]) => void contents.push(...feedOf(NEW));
    const { whole } = await signedBundle(signed, { wheels: [ALPHA], at: NOW, header, change });
    const taken = await site.take([whole]);
    expect([told(taken), taken.advisories?.why, taken.files]).toEqual([
      'left policy',
      'nobody signed them whose signature is believed here (import.keys)',
      1,
    ]);
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
    const [file] = (await site.page('alpha')).files;
    const { pathname } = new URL(file?.url ?? '', 'http://mirror.invalid/simple/alpha/');
    expect((await site.get(pathname)).status).toBe(200);
  });
});

describe('advisories that the disk has no room for', () => {
  it('are to be brought by the same bundle again, and what else it carries is in force', async () => {
    const rig = await begun();
    await rig.take([(await rig.sender.bundle({ advisories: OLD })).whole]);
    rig.sender.put('gamma', tinyWheel('gamma'));
    const { whole } = await rig.sender.bundle({ since: 1, advisories: NEW });
    const fault = new Refusal('limit', 'there is no room', { transient: true });
    const place = (own: ImportPlace): ImportPlace => ({
      ...own,
      feed: { ...own.feed, take: () => Promise.reject(fault) },
    });
    const { advisories } = await rig.take([whole], { place });
    expect(advisories).toMatchObject({ became: 'left', reason: 'limit', why: 'there is no room', again: true });
    expect([await answers(rig), await rig.names('gamma')]).toEqual([BY_OLD, [tinyWheel('gamma').filename]]);
    expect((await rig.take([whole])).advisories).toMatchObject({ became: 'taken', again: false });
    expect(await answers(rig)).toBe(BY_NEW);
  });
});

describe('advisories larger than any that are read', () => {
  it('are left, and the rest of the bundle is taken', async () => {
    const rig = await begun();
    const { whole } = await rig.sender.bundle({ advisories: NEW });
    const place = (own: ImportPlace): ImportPlace => ({
      ...own,
      feed: { ...own.feed, take: () => Promise.reject(new Refusal('limit', 'It has more than is read.')) },
    });
    expect(told(await rig.take([whole], { place }))).toBe('left limit');
    expect(await answers(rig)).toBe(BY_NONE);
  });
});
