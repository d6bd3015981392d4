import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, type IndexRigOptions, startIndexRig } from '../rigs/index-rig.ts';
import {
  answering,
  type asItIs,
  badGateway,
  emptied,
  forged,
  rewritten,
  withoutHeader,
  withSerial,
} from '../support/bad-days.ts';
import { DAY } from '../support/clock.ts';
import type { Line } from '../support/fake-pypi.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// Under evidence `index`, whatever takes away or contradicts is believed only after a second whole fetch on a new
// connection agrees, and is then written down.

const ALPHA = tinyWheel('alpha');
const BETA = tinyWheel('alpha', '2.0');
const PROVENANCE = 'https://pypi.example/integrity/alpha/1.0/provenance';

let rig: IndexRig;
afterEach(() => rig.close());

/** A page of two files, fetched whole twice: from here on its ETag is believed, and its serial is a floor. */
const start = async (options: IndexRigOptions = {}) => {
  rig = await startIndexRig({
    fill(pypi) {
      pypi.upload('alpha', ALPHA, { provenance: PROVENANCE });
      pypi.upload('alpha', BETA, { yanked: 'broken' });
    },
    ...options,
  });
  await rig.page('alpha');
  await twice();
  rig.alarms();
};
/** Asked for again until it came whole a second time. */
const twice = async () => {
  await rig.later('alpha');
  await rig.later('alpha');
};
const namesLater = async (seconds?: number) => (await rig.later('alpha', seconds)).map(({ filename }) => filename);
const requests = () => rig.pypi.asked('alpha').length;
const kinds = async () =>
  (await rig.journal()).map(({ kind, file, reason }) =>
    [kind, file ?? (kind === 'regressed' ? reason : undefined)].filter((word) => word !== undefined).join(' '),
  );
const lie = (filename: string, change: (line: Line) => object) =>
  rewritten((page) => ({
    ...page,
    files: page.files.map((file) =>
      file.filename === filename ? { filename, ...change(file as Line & typeof file) } : file,
    ),
  }));

const BOTH = [ALPHA.filename, BETA.filename];

/** What one page may lack of the one before: how upstream comes to it, how one bad look shows it, and what is written down. */
const LOSSES = [
  {
    what: 'a file that disappears',
    truly: () => rig.pypi.remove('alpha', ALPHA.filename),
    once: () => rewritten((page) => ({ ...page, files: page.files.slice(1) })),
    written: `removed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'every file at once',
    truly: () => BOTH.forEach((name) => void rig.pypi.remove('alpha', name)),
    once: () => emptied,
    written: `removed ${BETA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'another digest',
    truly: () => rig.pypi.replace('alpha', tinyWheel('alpha', '1.0', 'other')),
    once: () => lie(ALPHA.filename, (line) => ({ ...line, hashes: { sha256: 'a'.repeat(64) } })),
    written: `changed ${ALPHA.filename}`,
    alarm: 'changed page',
  },
  {
    what: 'a yank that is taken back',
    truly: () => rig.pypi.edit('alpha', BETA.filename, { yanked: false }),
    once: () => lie(BETA.filename, (line) => ({ ...line, yanked: false })),
    written: `unyanked ${BETA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'a yank',
    truly: () => rig.pypi.edit('alpha', ALPHA.filename, { yanked: 'broken, too' }),
    once: () => lie(ALPHA.filename, (line) => ({ ...line, yanked: 'broken, too' })),
    written: `yanked ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'a lost time of upload',
    truly: () => rig.pypi.drop('alpha', ALPHA.filename, 'upload-time'),
    once: () => lie(ALPHA.filename, ({ 'upload-time': _, ...line }) => line),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'another time of upload',
    truly: () => rig.pypi.edit('alpha', ALPHA.filename, { 'upload-time': '2020-01-01T00:00:00Z' }),
    once: () => lie(ALPHA.filename, (line) => ({ ...line, 'upload-time': '2020-01-01T00:00:00Z' })),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'lost provenance',
    truly: () => rig.pypi.drop('alpha', ALPHA.filename, 'provenance'),
    once: () => lie(ALPHA.filename, ({ provenance: _, ...line }) => line),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'lost core metadata',
    truly: () => rig.pypi.drop('alpha', ALPHA.filename, 'core-metadata'),
    once: () => lie(ALPHA.filename, ({ 'core-metadata': _, ...line }) => line),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'other core metadata',
    truly: () => rig.pypi.edit('alpha', ALPHA.filename, { 'core-metadata': { sha256: 'd'.repeat(64) } }),
    once: () => lie(ALPHA.filename, (line) => ({ ...line, 'core-metadata': { sha256: 'd'.repeat(64) } })),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'a bound on Python that hides a file',
    truly: () => rig.pypi.edit('alpha', ALPHA.filename, { 'requires-python': '>=99' }),
    once: () => lie(ALPHA.filename, (line) => ({ ...line, 'requires-python': '>=99' })),
    written: `regressed ${ALPHA.filename}`,
    alarm: 'regressed page',
  },
  {
    what: 'quarantine',
    truly: () => rig.pypi.quarantine('alpha', 'malware'),
    once: () => rewritten((page) => ({ ...page, 'project-status': { status: 'quarantined' } })),
    written: 'quarantined',
    alarm: 'regressed page',
  },
  {
    what: 'a lost serial',
    truly: () => rig.pypi.page('alpha', withoutHeader('x-pypi-last-serial')),
    once: () => withoutHeader('x-pypi-last-serial'),
    written: 'regressed serial-lost',
    alarm: 'regressed page',
    sameBytes: true,
  },
] as const;

describe.each(LOSSES)('$what', ({ truly, once, written, alarm, ...rest }) => {
  it('in one look alone: the page stays as it was, with an alarm', async () => {
    await start();
    const before = await rig.page('alpha');
    const asked = requests();
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.pypi.page('alpha', once(), 1);
    await rig.later('alpha');
    expect(requests()).toBe(asked + 2);
    expect(rig.alarms()).toEqual([alarm]);
    const { files } = await rig.page('alpha');
    expect(files.slice(0, 2)).toEqual(before.files);
    // The second look, which took nothing away, is believed.
    expect(files).toHaveLength(3);
    expect(await kinds()).toEqual([]);
  });

  it('in one look, and the next fails: the page stays as it was, and is asked for again later', async () => {
    await start();
    const before = await rig.page('alpha');
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.pypi.page('alpha', once(), 1);
    rig.pypi.page('alpha', badGateway, 3);
    expect(await rig.later('alpha')).toEqual(before.files);
    expect(await kinds()).toEqual([]);
    rig.clock.advance(10);
    expect((await rig.page('alpha')).files).toHaveLength(3);
  });

  it('in two looks: believed within one refresh, with an alarm, and written down', async () => {
    await start();
    const before = await rig.page('alpha');
    const connections = rig.pypi.index.connections().accepted;
    if ('sameBytes' in rest) rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    truly();
    const asked = requests();
    await rig.later('alpha');
    expect(requests()).toBe(asked + 2);
    expect(rig.pypi.index.connections().accepted).toBeGreaterThan(connections);
    expect((await rig.page('alpha')).files).not.toEqual(before.files);
    expect(rig.alarms()).toContain(alarm);
    const entries = await kinds();
    expect(entries).toContain(written);
    // Believed once and for all: nothing more is written after a restart, or at the next look.
    await rig.later('alpha');
    expect(await kinds()).toEqual(entries);
  });
});

describe('a project that disappears', () => {
  it('in one look alone: stays', async () => {
    await start();
    rig.pypi.page('alpha', () => answering(404, 'not here'), 1);
    expect(await namesLater()).toEqual(BOTH);
    expect(await kinds()).toEqual([]);
  });

  it('in one look, and the other is emptied: stays, whatever a third says', async () => {
    await start();
    rig.pypi.page('alpha', () => answering(404, 'not here'), 1);
    rig.pypi.page('alpha', emptied, 1);
    expect(await namesLater()).toEqual(BOTH);
  });

  it('in two looks: 404, written down, and the file with it', async () => {
    await start();
    await rig.get(rig.path(ALPHA));
    rig.pypi.removeProject('alpha');
    rig.clock.advance(901);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    expect(await rig.refused(rig.path(ALPHA))).toBe('404 unlisted');
    expect(await kinds()).toEqual(['removed']);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
  });

  it('and comes back as it was long ago: refused; as something newer: believed, written down, and still held to its pins', async () => {
    await start();
    const floor = Number((await rig.get('/simple/alpha/')).headers['x-pypi-last-serial']);
    await rig.get(rig.path(ALPHA));
    rig.pypi.removeProject('alpha');
    rig.clock.advance(901);
    expect(await rig.refused('/simple/alpha/')).toBe('404 unlisted');
    await rig.restart();
    rig.pypi.upload('alpha', tinyWheel('alpha', '1.0', 'other bytes'));
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.pypi.page('alpha', withSerial(floor - 1));
    rig.clock.advance(61);
    expect(await rig.refused('/simple/alpha/')).toBe('502 regressed');
    rig.pypi.heal();
    rig.clock.advance(61);
    expect(await rig.names('alpha')).toEqual(['alpha-3.0-py3-none-any.whl']);
    expect(await kinds()).toEqual(['removed', 'refused', 'returned', `refused ${ALPHA.filename}`]);
  });

  it('in the one look there is, where upstream then falls silent: stays', async () => {
    await start();
    rig.pypi.page('alpha', () => answering(404, 'not here'), 1);
    rig.pypi.page('alpha', badGateway);
    expect(await namesLater()).toEqual(BOTH);
  });
});

describe('a look that lost something', () => {
  it('is not believed where the second finds no page at all', async () => {
    await start();
    rig.pypi.page('alpha', emptied, 1);
    rig.pypi.page('alpha', () => answering(404, 'not here'), 1);
    expect(await namesLater()).toEqual(BOTH);
    expect(rig.alarms()).toEqual(['regressed page']);
    expect(await kinds()).toEqual([]);
  });

  it('is not believed where the second finds something else missing', async () => {
    await start();
    const without = (name: string) =>
      rewritten((page) => ({ ...page, files: page.files.filter(({ filename }) => filename !== name) }));
    rig.pypi.page('alpha', without(ALPHA.filename), 1);
    rig.pypi.page('alpha', without(BETA.filename), 1);
    expect(await namesLater()).toEqual(BOTH);
    expect(rig.alarms()).toEqual(['regressed page']);
  });
});

describe('a page that cannot be read', () => {
  it('is asked for once more, and refused as it came where that finds nothing', async () => {
    await start();
    rig.pypi.page('beta', forged('{'), 1);
    rig.pypi.upload('beta', tinyWheel('beta'));
    rig.pypi.page('beta', () => answering(404, 'not here'), 1);
    expect(await rig.refused('/simple/beta/')).toBe('502 format');
  });
});

describe('a lower serial', () => {
  const older = async () => {
    await start();
    const page = rig.pypi.pageOf('alpha');
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    return page;
  };

  it('once: the newer page is served on', async () => {
    const page = await older();
    await rig.later('alpha');
    rig.alarms();
    rig.pypi.page('alpha', (answer) => withSerial(900)(forged(page)(answer, 1), 1), 1);
    expect(await namesLater()).toHaveLength(3);
    expect(rig.alarms()).toEqual(['regressed page']);
    expect(await kinds()).toEqual([]);
  });

  it('for ever, below one that was seen twice: never believed; served for a month, then no longer', async () => {
    const page = await older();
    await rig.later('alpha');
    await rig.later('alpha');
    rig.pypi.page('alpha', (answer) => withSerial(900)(forged(page)(answer, 1), 1));
    for (let hours = 0; hours < 24; hours += 2) expect(await namesLater(7200)).toHaveLength(3);
    rig.clock.advance(30 * DAY);
    expect(await rig.refused('/simple/alpha/')).toBe('502 regressed');
    await rig.restart();
    expect(await rig.refused('/simple/alpha/')).toBe('502 regressed');
    rig.pypi.heal();
    rig.clock.advance(10);
    expect(await rig.names('alpha')).toHaveLength(3);
  });

  it('for ever, below one that was seen once: believed when upstream has stood by it for an hour', async () => {
    await older();
    rig.pypi.page('alpha', withSerial(10 ** 12), 1);
    await rig.later('alpha');
    const after = tinyWheel('alpha', '4.0');
    rig.pypi.upload('alpha', after);
    expect(await namesLater()).not.toContain(after.filename);
    expect(await namesLater(3000)).not.toContain(after.filename);
    expect(await namesLater()).toContain(after.filename);
    expect(await kinds()).toEqual(['regressed serial-lower']);
  });

  it('below the one that the first page of all came with, seen once: believed after an hour, too', async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA) });
    rig.pypi.page('alpha', withSerial(10 ** 12), 1);
    await rig.page('alpha');
    rig.pypi.upload('alpha', BETA);
    expect(await namesLater()).toEqual([ALPHA.filename]);
    expect(await namesLater(3601)).toEqual(BOTH);
  });

  it('off and on is no standing by it', async () => {
    await older();
    rig.pypi.setSerial('alpha', 2000);
    await rig.later('alpha');
    const lower = (answer: Parameters<typeof asItIs>[0]) => withSerial(1500)(emptied(answer, 1), 1);
    rig.pypi.page('alpha', lower, 1);
    expect(await namesLater()).toHaveLength(3);
    expect(await namesLater(2000)).toHaveLength(3);
    rig.pypi.page('alpha', lower, 2);
    expect(await namesLater(2000)).toHaveLength(3);
  });

  it('or none with the same bytes: downstream it does not fall below the floor', async () => {
    await start({ etags: false });
    const serial = async () => (await rig.get('/simple/alpha/')).headers['x-pypi-last-serial'];
    const floor = await serial();
    rig.pypi.page('alpha', withSerial(5), 1);
    await rig.later('alpha');
    expect(await serial()).toBe(floor);
    rig.pypi.page('alpha', withoutHeader('x-pypi-last-serial'), 1);
    await rig.later('alpha');
    expect(await serial()).toBe(floor);
  });

  it('stays below the floor after a restart', async () => {
    await start();
    await rig.restart();
    rig.pypi.page('alpha', (answer) => withSerial(900)(emptied(answer, 1), 1));
    expect(await namesLater(4000)).toEqual(BOTH);
    expect(await namesLater(4000)).toEqual(BOTH);
  });
});

describe('a forged page under the true ETag', () => {
  const FORGED = tinyWheel('alpha', '9.9', 'evil');
  const forge = () =>
    rewritten((page) => ({
      ...page,
      files: [
        ...page.files,
        {
          ...page.files[0],
          filename: FORGED.filename,
          url: `../../files/${FORGED.filename}`,
          hashes: { sha256: 'e'.repeat(64) },
        },
      ],
    }));

  it('seen once: a 304 lets it stand for one more term and confirms nothing; then it is fetched whole, on a new connection', async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA) });
    rig.pypi.page('alpha', forge(), 1);
    expect(await rig.names('alpha')).toContain(FORGED.filename);
    await rig.openedByJob('alpha', ALPHA.filename);
    expect(await namesLater()).toContain(FORGED.filename);
    await expect
      .poll(async () => (await rig.pins('alpha')).get(ALPHA.filename), { interval: 5 })
      .toMatchObject({ proved: true, provisional: true });
    expect(await namesLater()).toEqual([ALPHA.filename]);
    const [first, second, third] = rig.pypi.asked('alpha');
    expect(second?.headers['if-none-match']).toBeDefined();
    expect(third?.headers['if-none-match']).toBeUndefined();
    expect(third?.connection).not.toBe(first?.connection);
    expect(await kinds()).toEqual([`removed ${FORGED.filename}`]);
  });

  it('sent twice by one connection is the word of one edge: not believed the more', async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA) });
    const edge = forge();
    rig.pypi.page('alpha', edge, 2);
    await rig.page('alpha');
    await rig.openedByJob('alpha', ALPHA.filename);
    expect(await namesLater()).toContain(FORGED.filename);
    const [first, second] = rig.pypi.asked('alpha');
    expect(second?.connection).toBe(first?.connection);
    expect((await rig.pins('alpha')).get(ALPHA.filename)?.provisional).toBe(true);
    expect(await namesLater()).toEqual([ALPHA.filename]);
    expect(rig.pypi.asked('alpha').at(-1)?.connection).not.toBe(first?.connection);
  });

  it('in place of a page that is believed: gone with the second refresh, for it came once', async () => {
    await start();
    rig.pypi.upload('alpha', tinyWheel('alpha', '3.0'));
    rig.pypi.page('alpha', forge(), 1);
    expect(await namesLater()).toContain(FORGED.filename);
    await rig.later('alpha');
    expect(await namesLater()).not.toContain(FORGED.filename);
  });

  it('even seen twice lasts a day at most: then everything is fetched whole', async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', ALPHA) });
    rig.pypi.page('alpha', forge(), 3);
    await rig.page('alpha');
    for (let at = 0; at < 3; at++) expect(await namesLater()).toContain(FORGED.filename);
    expect(rig.pypi.asked('alpha').at(-1)?.headers['if-none-match']).toBeDefined();
    await rig.restart();
    expect(await namesLater(DAY)).toEqual([ALPHA.filename]);
    expect(rig.pypi.asked('alpha').at(-1)?.headers['if-none-match']).toBeUndefined();
  });
});
