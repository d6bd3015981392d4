import { afterEach, describe, expect, it } from 'vitest';
import { explanationLines } from '../../src/app/explanation-text.ts';
import { statusLines } from '../../src/cli/status.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { RIGS, type Rig } from '../rigs/rig.ts';
import { client } from '../support/callers.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What upstream lists and this mirror does not is told everywhere an operator looks, and once for each change.

const ALPHA = tinyWheel('alpha');
const FOREIGN = { filename: 'beta-9.0.tar.gz', url: 'beta-9.0.tar.gz', hashes: { sha256: 'a'.repeat(64) } };
const MALFORMED = { filename: 'alpha-9.0.tar.gz', url: 'alpha-9.0.tar.gz', hashes: { sha256: 'abc' } };

describe.each(RIGS)('of an index with evidence $evidence, a page that leaves files out', ({ start }) => {
  let rig: Rig;
  afterEach(() => rig.close());
  const lists = async (...more: readonly object[]) => {
    await rig.editPage('alpha', ({ files, ...page }) => ({
      ...page,
      files: [...files.slice(0, 1), ...more.map((each) => ({ ...each }))],
    }));
    await rig.refresh();
  };
  const begin = async (...more: readonly object[]) => {
    rig = await start({ files: [ALPHA] });
    await lists(...more);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  };
  const told = () => rig.events.leftOut.map(({ project, leftOut }) => [project, Object.fromEntries(leftOut)]);
  const settled = async () => (await rig.index().tally()).leftOut;

  it('is told of in one event for each change, and in none where it is drawn again or the mirror starts again', async () => {
    await begin(FOREIGN, MALFORMED);
    await settled();
    await rig.restart();
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    expect(await settled()).toEqual(
      new Map([
        ['foreign', 1],
        ['digest', 1],
      ]),
    );
    expect(told()).toEqual([['alpha', { foreign: 1, digest: 1 }]]);
    await lists(FOREIGN);
    await rig.names('alpha');
    await settled();
    await lists();
    await rig.names('alpha');
    expect(await settled()).toEqual(new Map());
    expect(told().slice(1)).toEqual([
      ['alpha', { foreign: 1 }],
      ['alpha', {}],
    ]);
  });

  it('is in the status of whoever opens the data directory, who has drawn no page', async () => {
    await begin(MALFORMED);
    await settled();
    await rig.restart();
    const text = statusLines(await rig.index().status(), rig.clock.now()).join('\n');
    expect(text).toMatch(/left out of pages \(digest\): 1 - .*sha256 of 64 hex digits/);
  });

  it('names each file, why, and what would let it in', async () => {
    await begin(FOREIGN, MALFORMED);
    const explained = await rig.index().explain('alpha', client());
    expect(explained.leftOut).toEqual([
      { name: FOREIGN.filename, why: 'foreign' },
      { name: MALFORMED.filename, why: 'digest' },
    ]);
    const text = explanationLines(explained, rig.clock.now()).join('\n');
    expect(text).toContain('Upstream lists 2 more, left out here');
    expect(text).toMatch(/digest: with a malformed digest; .*\n\s+alpha-9\.0\.tar\.gz/);
    await expect(rig.index().explain(MALFORMED.filename, client())).rejects.toMatchObject({
      reason: 'unlisted',
      message: expect.stringContaining('leaves it out'),
    });
  });

  it('is counted by a gauge with a closed list of reasons', async () => {
    await begin(MALFORMED);
    const metrics = createMetrics({
      indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 300 }],
      version: '1',
      processMetrics: false,
    });
    metrics.watchPages(async () => [{ index: 'main', ...(await rig.index().tally()) }]);
    const series = (await metrics.exposition.text()).split('\n').filter((line) => line.startsWith('verbatim_left_out'));
    expect(series).toContain('verbatim_left_out_files{index="main",reason="digest"} 1');
    expect(series).toContain('verbatim_left_out_files{index="main",reason="no-digest"} 0');
    expect(await metrics.exposition.text()).toContain('verbatim_quarantined_by_hand{index="main"} 0');
  });
});

it('a file that its pin withholds counts as left out, for that reason', async () => {
  const rig = await RIGS[1].start({ files: [ALPHA] });
  try {
    await rig.get(rig.path(ALPHA));
    await rig.editPage('alpha', (page) => ({ ...page, serial: 1 }));
    await rig.names('alpha');
    await rig.editPage('alpha', (page) => ({
      ...page,
      files: page.files.map((file) => ({ ...file, hashes: { sha256: 'a'.repeat(64) } })),
    }));
    expect(await rig.names('alpha')).toEqual([]);
    expect((await rig.index().tally()).leftOut).toEqual(new Map([['changed', 1]]));
    expect((await rig.index().explain('alpha', client())).leftOut).toEqual([{ name: ALPHA.filename, why: 'changed' }]);
  } finally {
    await rig.close();
  }
});

it('hosts where this mirror may not go are told of, counted, and named with the setting, also after a restart', async () => {
  const rig = await RIGS[1].start({ files: [ALPHA] });
  try {
    const far = (name: string) => ({
      filename: name,
      url: `https://far.example/${name}`,
      hashes: { sha256: 'a'.repeat(64) },
    });
    await rig.editPage('alpha', ({ files, ...page }) => ({
      ...page,
      files: [...files, far('alpha-8.0.tar.gz'), far('alpha-9.0.tar.gz')],
    }));
    await rig.names('alpha');
    expect((await rig.index().tally()).outOfReach).toEqual(new Map([['far.example', 2]]));
    expect(rig.events.leftOut.at(-1)).toMatchObject({ project: 'alpha', outOfReach: new Map([['far.example', 2]]) });
    await rig.restart();
    const text = statusLines(await rig.index().status(), rig.clock.now()).join('\n');
    expect(text).toMatch(/out of reach: 2 listed files lie on far\.example.*--file-host far\.example/);
    expect((await rig.index().explain('alpha', client())).outOfReach).toEqual(new Map([['far.example', 2]]));
    expect((await rig.index().explain('alpha-9.0.tar.gz', client())).outOfReach).toEqual(new Map([['far.example', 1]]));
    expect((await rig.index().explain(ALPHA.filename, client())).outOfReach).toEqual(new Map());
    const metrics = createMetrics({
      indexes: [{ name: 'main', evidence: 'tuf', refreshSeconds: 300 }],
      version: '1',
      processMetrics: false,
    });
    metrics.watchPages(async () => [{ index: 'main', ...(await rig.index().tally()) }]);
    expect(await metrics.exposition.text()).toContain('verbatim_out_of_reach_files{index="main"} 2');
  } finally {
    await rig.close();
  }
});
