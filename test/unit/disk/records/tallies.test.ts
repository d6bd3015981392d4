import { expect, it } from 'vitest';
import { RecordLines } from '../../../../src/disk/records/record-lines.ts';
import { createTallies } from '../../../../src/disk/records/tallies.ts';
import type { PageTally } from '../../../../src/ports/left-out.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

const tally = (leftOut: PageTally['leftOut'], firstSight = 0, hosts: [string, number][] = []): PageTally => ({
  leftOut,
  firstSight,
  byManifest: firstSight,
  outOfReach: new Map(hosts),
});
const SOME = tally(new Map([['no-digest', 3] as const, ['foreign', 1] as const]), 2, [['files.example:8443', 7]]);

it('what pages leave out comes back after a restart, the last word of each project', async () => {
  const root = await scratchDirectory();
  const tallies = createTallies(recordsOf(root));
  tallies.put('main', 'alpha', tally(new Map([['digest', 9]])));
  tallies.put('main', 'alpha', SOME);
  tallies.put('main', 'beta', tally(new Map(), 4));
  tallies.put('main', 'gone', SOME);
  tallies.put('main', 'gone', undefined);
  tallies.put('other', 'gamma', SOME);
  await tallies.close();
  const again = createTallies(recordsOf(root, true));
  expect(await again.load('main')).toEqual(
    new Map([
      ['alpha', SOME],
      ['beta', tally(new Map(), 4)],
    ]),
  );
});

it('a reason this program does not know, or no count, is passed over', async () => {
  const records = recordsOf(await scratchDirectory());
  const lines = new RecordLines(records, { kind: 'tally', maxBytes: 1000 });
  lines.add({ index: 'main', project: 'alpha', leftOut: 'unheard-of=1 no-digest=x foreign=2 =', firstSight: 0 });
  lines.add({ index: 'main', project: 'beta', leftOut: 7, firstSight: 0 });
  await lines.close();
  expect(await createTallies(records).load('main')).toEqual(new Map([['alpha', tally(new Map([['foreign', 2]]))]]));
});

it('a count below zero is none: the line is passed over', async () => {
  const records = recordsOf(await scratchDirectory());
  const lines = new RecordLines(records, { kind: 'tally', maxBytes: 1000 });
  lines.add({ index: 'main', project: 'alpha', leftOut: 'foreign=2', firstSight: -1 });
  lines.add({ index: 'main', project: 'beta', leftOut: 'foreign=2', firstSight: 0, byManifest: -1 });
  await lines.close();
  expect(await createTallies(records).load('main')).toEqual(new Map());
});
