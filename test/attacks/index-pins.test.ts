import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { explanationLines } from '../../src/app/explanation-text.ts';
import { internalCaller } from '../../src/async/caller.ts';
import { actsOf } from '../../src/mirror/operator/acts.ts';
import { digestHex } from '../../src/repository/digests.ts';
import { type IndexRig, type IndexRigOptions, OLD, startIndexRig } from '../rigs/index-rig.ts';
import { asItIs, emptied, rewritten } from '../support/bad-days.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Under evidence `index` an attacker may choose the bytes of a file never seen before, and nothing else.

const ALPHA = tinyWheel('alpha');
const OTHER = tinyWheel('alpha', '1.0', 'other bytes');
const BETA = tinyWheel('alpha', '2.0');

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA), ...options });
};
const confirm = async () => {
  await rig.page('alpha');
  expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  await again();
  expect((await rig.pins('alpha')).get(ALPHA.filename)).toMatchObject({ proved: true });
  expect((await rig.pins('alpha')).get(ALPHA.filename)?.provisional).toBeUndefined();
};
/** Asked for until the page came whole a second time. */
const again = async () => {
  await rig.later('alpha');
  await rig.later('alpha');
};
const sha256 = async () => (await rig.page('alpha')).files[0]?.hashes['sha256'];

describe('another digest under a name whose pin is confirmed', () => {
  it('withholds the file and no other, whatever upstream insists on', async () => {
    await start();
    await confirm();
    rig.pypi.replace('alpha', OTHER);
    rig.pypi.upload('alpha', BETA);
    rig.alarms();
    expect((await rig.later('alpha')).map(({ filename }) => filename)).toEqual([BETA.filename]);
    expect(rig.alarms()).toEqual(expect.arrayContaining(['changed page', 'changed file']));
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 changed');
    expect((await rig.get(rig.path(BETA))).body.equals(BETA.bytes)).toBe(true);
    await rig.later('alpha');
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
    expect(await rig.journal()).toContainEqual(
      expect.objectContaining({ kind: 'changed', project: 'alpha', file: ALPHA.filename }),
    );
  });

  it('after a restart, and after a kill, too', async () => {
    await start();
    await confirm();
    await rig.kill();
    rig.pypi.replace('alpha', OTHER);
    await rig.later('alpha');
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
    await rig.restart();
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });

  it('after the project disappeared and came back, too', async () => {
    await start();
    await confirm();
    const was = rig.pypi.remember('alpha');
    rig.pypi.removeProject('alpha');
    rig.clock.advance(901);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    rig.pypi.recall('alpha', was);
    rig.pypi.replace('alpha', OTHER);
    rig.clock.advance(61);
    expect(await rig.names('alpha')).toEqual([]);
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });

  it('is back when upstream has the first bytes again', async () => {
    await start();
    await confirm();
    rig.pypi.replace('alpha', OTHER);
    expect(await rig.later('alpha')).toEqual([]);
    rig.pypi.replace('alpha', ALPHA);
    expect(await rig.later('alpha')).toHaveLength(1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('of every file at once: all are withheld, the alarm names them, the journal too', async () => {
    await start();
    rig.pypi.upload('alpha', BETA);
    await rig.page('alpha');
    for (const file of [ALPHA, BETA]) expect((await rig.get(rig.path(file))).status).toBe(200);
    await again();
    rig.pypi.replace('alpha', OTHER);
    rig.pypi.replace('alpha', tinyWheel('alpha', '2.0', 'taken over'));
    const before = rig.events.rejected.length;
    expect(await rig.later('alpha')).toEqual([]);
    const page = rig.events.rejected.slice(before).find(({ subject }) => subject === 'page');
    for (const { filename } of [ALPHA, BETA]) expect(page?.message).toContain(filename);
    expect((await rig.journal()).filter(({ kind }) => kind === 'changed')).toHaveLength(2);
  });

  it('one look is not believed: the file stays as it is', async () => {
    await start();
    await confirm();
    const forge = rewritten((page) => ({
      ...page,
      files: page.files.map((file) => ({ ...file, hashes: { sha256: 'b'.repeat(64) } })),
    }));
    rig.pypi.page('alpha', forge, 1);
    rig.clock.advance(86_401);
    rig.alarms();
    expect(await rig.later('alpha')).toHaveLength(1);
    expect(rig.alarms()).toEqual(['changed page']);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect((await rig.journal()).filter(({ kind }) => kind === 'changed')).toEqual([]);
  });
});

describe('another digest of core metadata', () => {
  const LIE = { sha256: 'd'.repeat(64) };

  it('than the one pinned with its file: the file is served, the announcement is not', async () => {
    await start();
    await confirm();
    rig.pypi.edit('alpha', ALPHA.filename, { 'core-metadata': LIE });
    rig.alarms();
    const [file] = await rig.later('alpha');
    expect(file?.filename).toBe(ALPHA.filename);
    expect(file?.['core-metadata']).toBeUndefined();
    expect(rig.alarms()).toContain('changed core-metadata');
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('404 unlisted');
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    await rig.restart();
    expect((await rig.page('alpha')).files[0]?.['core-metadata']).toBeUndefined();
  });

  it('than one seen once: the page that two fetches agree on is believed', async () => {
    await start({ fill: (pypi) => pypi.upload('alpha', ALPHA, { 'core-metadata': LIE }) });
    await rig.page('alpha');
    rig.pypi.replace('alpha', ALPHA);
    expect((await rig.later('alpha'))[0]?.['core-metadata']).not.toEqual(LIE);
    const { body } = await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect(body.equals(ALPHA.coreMetadata)).toBe(true);
  });
});

describe('core metadata that is announced for a file confirmed without any', () => {
  const FALSE = Buffer.from('Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\nRequires-Dist: evil\n');
  const announce = (coreMetadata: Uint8Array) => rig.pypi.replace('alpha', { ...ALPHA, coreMetadata });
  const withoutAny = async () => {
    await start();
    rig.pypi.drop('alpha', ALPHA.filename, 'core-metadata');
    await confirm();
  };
  const evict = async () => {
    await rig.stop();
    await rm(join(rig.data(), 'blobs'), { recursive: true });
    await rig.start();
  };

  it('and is not what the wheel holds: never sent, though the wheel is not here any more', async () => {
    await withoutAny();
    announce(FALSE);
    await evict();
    await again();
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 mix-and-match');
    await rig.restart();
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 mix-and-match');
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.coreMetadata).toBeUndefined();
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('and is what the wheel holds: sent, and pinned from then on', async () => {
    await withoutAny();
    announce(ALPHA.coreMetadata);
    await evict();
    await again();
    const { body } = await rig.get(`${rig.path(ALPHA)}.metadata`);
    expect(body.equals(ALPHA.coreMetadata)).toBe(true);
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.coreMetadata?.get('sha256')).toBe(
      digestHex('sha256', ALPHA.coreMetadata),
    );
  });
});

describe('a file that joins a release which was confirmed before', () => {
  const JOINING = { ...tinyWheel('alpha', '1.0', 'late'), filename: 'alpha-1.0-999-py3-none-any.whl' };

  it('is served, and leaves a trace in the journal, the log and explain', async () => {
    await start();
    await confirm();
    rig.pypi.upload('alpha', JOINING);
    await rig.later('alpha');
    expect((await rig.get(rig.path(JOINING))).body.equals(JOINING.bytes)).toBe(true);
    expect(await rig.journal()).toContainEqual(
      expect.objectContaining({ kind: 'joined', project: 'alpha', file: JOINING.filename, after: '1.0' }),
    );
    expect(rig.events.noted.map(({ message }) => message)).toContain(
      'a file joined a release that was confirmed here before',
    );
    const explained = await rig.index().explain(JOINING.filename, internalCaller('main', 'explain'));
    expect(explanationLines(explained, rig.clock.now()).join('\n')).toContain(
      'It joined its release after other files',
    );
  });

  it('a first file of a release leaves none', async () => {
    await start();
    await confirm();
    rig.pypi.upload('alpha', BETA);
    await rig.later('alpha');
    expect((await rig.journal()).filter(({ kind }) => kind === 'joined')).toEqual([]);
  });
});

describe('a pin of one sight', () => {
  /** The first fetch of the page was another one's: it listed other bytes. */
  const firstSightForged = async () => {
    await start({ fill: (pypi) => pypi.upload('alpha', OTHER) });
    await rig.page('alpha');
    rig.pypi.replace('alpha', ALPHA);
  };

  it('gives way to a page that two fetches agree on, and it is written down', async () => {
    await firstSightForged();
    const bad = (await rig.pins('alpha')).get(ALPHA.filename);
    expect(bad?.provisional).toBe(true);
    await rig.later('alpha');
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(await rig.journal()).toContainEqual(
      expect.objectContaining({
        kind: 'changed',
        file: ALPHA.filename,
        reason: expect.stringContaining(bad?.fetch ?? '-'),
      }),
    );
    expect(await rig.refused(rig.path(OTHER))).toBe('404 unlisted');
  });

  it('is confirmed once its bytes were sent to a client: another file under its name is withheld', async () => {
    await firstSightForged();
    rig.pypi.replace('alpha', OTHER);
    expect((await rig.get(rig.path(OTHER))).status).toBe(200);
    const { fetch } = (await rig.pins('alpha')).get(OTHER.filename) ?? {};
    rig.pypi.replace('alpha', ALPHA);
    expect(await rig.later('alpha')).toEqual([]);
    const answer = await rig.get(rig.path(ALPHA));
    expect(answer.status).toBe(403);
    // The fetch that brought the first bytes, and the way back.
    expect(answer.body.toString()).toContain(`accept-change INDEX --revoke-fetch ${fetch}`);
    await rig.onDisk(async ({ state }) => {
      const named = { project: undefined, file: undefined, change: { revokeFetch: fetch } };
      for (const act of await actsOf({ state, now: rig.clock.now() }, named)) await act.carryOut();
    });
    await rig.later('alpha');
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
  });

  it('is confirmed once its core metadata was sent to a client', async () => {
    await start();
    await rig.page('alpha');
    expect((await rig.get(`${rig.path(ALPHA)}.metadata`)).status).toBe(200);
    rig.pypi.replace('alpha', OTHER);
    expect(await rig.later('alpha')).toEqual([]);
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });

  it('is confirmed by a file that is sent while its page is being refreshed', async () => {
    await start();
    const [file] = (await rig.page('alpha')).files;
    expect(file?.filename).toBe(ALPHA.filename);
    rig.clock.advance(OLD);
    // As pip does: page, then file; the refresh of the page lands between the two.
    const [, sent] = await Promise.all([rig.page('alpha'), rig.get(rig.path(ALPHA))]);
    expect(sent.body.equals(ALPHA.bytes)).toBe(true);
    for (let look = 0; look < 4; look++) await rig.later('alpha');
    rig.pypi.replace('alpha', OTHER);
    expect(await rig.later('alpha')).toEqual([]);
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });

  it('whose file went away before a client had it: another one is served as itself, never as the first', async () => {
    await start();
    const [first] = (await rig.page('alpha')).files;
    rig.pypi.remove('alpha', ALPHA.filename);
    await again();
    rig.pypi.upload('alpha', OTHER);
    await again();
    await again();
    expect(await sha256()).toBe(digestHex('sha256', OTHER.bytes));
    expect((await rig.get(rig.path(OTHER))).body.equals(OTHER.bytes)).toBe(true);
    expect(first?.hashes['sha256']).toBe(digestHex('sha256', ALPHA.bytes));
    expect(await rig.refused(rig.path(ALPHA))).toBe('404 unlisted');
  });

  it('whose file went away after a client had it: another one is withheld', async () => {
    await start();
    await rig.page('alpha');
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    rig.pypi.remove('alpha', ALPHA.filename);
    await again();
    rig.pypi.upload('alpha', OTHER);
    await again();
    expect(await rig.names('alpha')).toEqual([]);
    expect(await rig.refused(rig.path(OTHER))).toBe('403 changed');
  });

  it('does not give way to a page seen once: the file is withheld until then', async () => {
    await start({ fill: (pypi) => pypi.upload('alpha', BETA) });
    await rig.page('alpha');
    // One edge listed a file that upstream does not have yet, and has never again.
    rig.pypi.page(
      'alpha',
      rewritten((page) => ({
        ...page,
        files: [
          ...page.files,
          {
            ...page.files[0],
            filename: ALPHA.filename,
            url: `../../x/${ALPHA.filename}`,
            hashes: { sha256: 'c'.repeat(64) },
          },
        ],
      })),
      1,
    );
    expect(await rig.later('alpha')).toHaveLength(2);
    await again();
    expect(await rig.names('alpha')).toHaveLength(1);
    rig.pypi.upload('alpha', ALPHA);
    expect((await rig.later('alpha')).map(({ filename }) => filename)).toEqual([BETA.filename]);
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 changed');
    await again();
    expect(await rig.names('alpha')).toEqual([BETA.filename, ALPHA.filename]);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  });

  it('is confirmed by its bytes and another fetch of its page, even where the page has grown since', async () => {
    await start();
    await rig.page('alpha');
    await rig.openedByJob('alpha', ALPHA.filename);
    await expect
      .poll(async () => (await rig.pins('alpha')).get(ALPHA.filename), { interval: 5 })
      .toMatchObject({ provisional: true, proved: true });
    rig.pypi.upload('alpha', BETA);
    await rig.later('alpha');
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.provisional).toBeUndefined();
    expect((await rig.pins('alpha')).get(BETA.filename)).toMatchObject({ provisional: true });
  });

  it('says that its file was proved and sent when the mirror has ended, however soon after', async () => {
    await start();
    await rig.page('alpha');
    await rig.get(rig.path(ALPHA));
    await rig.stop();
    const pin = (await rig.pins('alpha')).get(ALPHA.filename);
    expect([pin?.proved, pin?.provisional]).toEqual([true, undefined]);
  });

  it('that does not say yet that its file was sent says so when it is sent again', async () => {
    await start();
    await rig.page('alpha');
    await rig.get(rig.path(ALPHA));
    await rig.stop();
    // As a process leaves it that is killed within the second.
    await rig.onDisk(async ({ pins, state }) => {
      const { proved: _, ...seen } = (await pins.of('alpha')).get(ALPHA.filename) ?? expect.fail();
      await state.pins('alpha').change(() => new Map([[ALPHA.filename, { ...seen, provisional: true }]]));
    });
    await rig.restart();
    await rig.get(rig.path(ALPHA));
    await rig.stop();
    const pin = (await rig.pins('alpha')).get(ALPHA.filename);
    expect([pin?.proved, pin?.provisional]).toEqual([true, undefined]);
  });

  it('is confirmed when its bytes come after the second fetch', async () => {
    await start();
    await rig.page('alpha');
    await again();
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.provisional).toBe(true);
    await rig.openedByJob('alpha', ALPHA.filename);
    await expect
      .poll(async () => (await rig.pins('alpha')).get(ALPHA.filename)?.provisional, { interval: 5 })
      .toBeUndefined();
  });

  it('is not confirmed by bytes alone that no client was sent', async () => {
    await start();
    await rig.openedByJob('alpha', ALPHA.filename);
    await rig.openedByJob('alpha', ALPHA.filename);
    await rig.restart();
    await rig.openedByJob('alpha', ALPHA.filename);
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.provisional).toBe(true);
  });

  it('says when it was first seen, by which fetch, and what upstream called the time of upload', async () => {
    await start();
    await rig.page('alpha');
    const pin = (await rig.pins('alpha')).get(ALPHA.filename);
    expect(pin).toMatchObject({ seen: rig.clock.now(), uploadTime: '2026-01-02T03:04:05.678901Z' });
    expect(pin?.fetch).toMatch(/./);
  });
});

describe('a pin that another process made', () => {
  it('gives way to a page seen twice that lists other bytes, and is not confirmed by it', async () => {
    await start();
    await rig.page('alpha');
    await rig.later('alpha');
    // Proved there, and listed by one fetch alone.
    const theirs = new Map([['sha256', digestHex('sha256', OTHER.bytes)]] as const);
    await rig.onDisk(({ pins }) =>
      pins.replace('alpha', ALPHA.filename, {
        digests: theirs,
        seen: 5,
        fetch: 'theirs',
        provisional: true,
        proved: true,
      }),
    );
    await rig.later('alpha');
    const pin = (await rig.pins('alpha')).get(ALPHA.filename);
    expect(pin?.digests).not.toEqual(theirs);
    expect(pin).toMatchObject({ provisional: true });
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });
});

describe('all that one bad fetch brought in', () => {
  it('can be taken back by its id, and nothing else', async () => {
    await start();
    await confirm();
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0', 'forged'));
    await rig.later('alpha');
    const bad = (await rig.pins('alpha')).get('alpha-3.0-py3-none-any.whl')?.fetch;
    rig.pypi.replace('alpha', tinyWheel('alpha', '3.0'));
    await rig.onDisk(async ({ state, pages }) => {
      const named = { project: undefined, file: undefined, change: { revokeFetch: bad } };
      const acts = await actsOf({ state, now: rig.clock.now() }, named);
      expect(acts.map(({ file }) => file)).toEqual(['alpha-3.0-py3-none-any.whl', undefined]);
      const page = await pages.load('alpha');
      await acts[0]?.carryOut();
      expect(page && (await pages.isCurrent(page))).toBe(true);
    });
    await rig.later('alpha');
    expect((await rig.get(rig.path(tinyWheel('alpha', '3.0')))).status).toBe(200);
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
  });
});

describe('a pin that was taken back', () => {
  it('is made anew, and confirmed as the first one was, without a restart', async () => {
    await start();
    await confirm();
    expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
    await rig.onDisk(async ({ state, pages }) => {
      await state.pins('alpha').change(() => new Map());
      const page = await pages.load('alpha');
      expect(page && (await pages.remove(page))).toBe(true);
    });
    await rig.later('alpha');
    expect((await rig.pins('alpha')).get(ALPHA.filename)).toMatchObject({ provisional: true });
    await confirm();
  });
});

describe('an operator who lets a change through', () => {
  it('is followed at the next refresh, without a restart', async () => {
    await start();
    await confirm();
    rig.pypi.replace('alpha', OTHER);
    expect(await rig.later('alpha')).toEqual([]);
    await rig.onDisk(async ({ pins }) => {
      const seen = rig.clock.now();
      await pins.replace('alpha', OTHER.filename, {
        digests: new Map([['sha256', digestHex('sha256', OTHER.bytes)]]),
        seen,
      });
    });
    expect(await rig.later('alpha')).toHaveLength(1);
    expect((await rig.get(rig.path(OTHER))).body.equals(OTHER.bytes)).toBe(true);
    expect(await rig.refused(rig.path(ALPHA))).toBe('404 unlisted');
  });

  it('a loss accepted by name takes no second look; another loss beside it does', async () => {
    await start();
    rig.pypi.upload('alpha', BETA);
    await rig.page('alpha');
    await rig.later('alpha');
    await rig.onDisk(async ({ pages }) => {
      const record = await pages.load('alpha');
      if (record === undefined) throw new Error('no page is kept');
      const accepted = [{ kind: 'file', file: ALPHA.filename, after: 'gone' }];
      await pages.save({ ...record, etag: undefined, accepted });
    });
    rig.pypi.remove('alpha', ALPHA.filename);
    const before = rig.pypi.asked('alpha').length;
    expect((await rig.later('alpha')).map(({ filename }) => filename)).toEqual([BETA.filename]);
    expect(rig.pypi.asked('alpha')).toHaveLength(before + 1);
    rig.pypi.page('alpha', emptied, 1);
    expect(await rig.later('alpha')).toHaveLength(1);
  });
});

describe('reuploads: true', () => {
  it('serves other bytes under an old name once two looks agree, and writes it down', async () => {
    await start({ index: { reuploads: true } });
    await rig.page('alpha');
    await rig.get(rig.path(ALPHA));
    await again();
    rig.pypi.replace('alpha', OTHER);
    await rig.later('alpha');
    expect((await rig.get(rig.path(OTHER))).body.equals(OTHER.bytes)).toBe(true);
    expect((await rig.pins('alpha')).size).toBe(0);
    expect(await rig.journal()).toContainEqual(expect.objectContaining({ kind: 'changed', file: ALPHA.filename }));
  });

  it('does not believe one look either', async () => {
    await start({ index: { reuploads: true } });
    await rig.page('alpha');
    const first = await sha256();
    rig.pypi.replace('alpha', OTHER);
    rig.pypi.page('alpha', asItIs, 1);
    rig.pypi.page('alpha', emptied, 1);
    rig.clock.advance(901);
    expect(await sha256()).toBe(first);
  });
});
