import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { Catalog } from '../../../src/sync/catalog.ts';
import { filtersOf } from '../../../src/sync/filters.ts';
import type { PickedFile } from '../../../src/sync/picked.ts';
import { newReport } from '../../../src/sync/report.ts';
import { Resolver } from '../../../src/sync/resolver.ts';
import { type RunOptions, runPlan } from '../../../src/sync/run.ts';
import { askedBy } from '../../../src/sync/selection/requirements.ts';
import { RIGS, type Rig } from '../../rigs/rig.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { LINUX } from '../../support/syncing.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// What one run makes of each answer of the index.

const FILES = [tinyWheel('alpha', '1.0'), tinyWheel('alpha', '2.0')];

let rig: Rig;
beforeEach(async () => {
  rig = await RIGS[1].start({ files: FILES });
  onTestFinished(() => rig.close());
});

/** The files of alpha, as the index lists them. */
async function picked(): Promise<readonly PickedFile[]> {
  const page = await rig.index().listing('alpha', client());
  return [...page.listing.files.values()].map((file) => ({ page, file }));
}

async function ran(
  files: readonly PickedFile[],
  over: Omit<Partial<RunOptions>, 'index'> & { readonly index?: Partial<RunOptions['index']> } = {},
) {
  const index = rig.index();
  const report = newReport();
  async function* wishes() {
    yield { project: 'alpha', pick: async () => ({ files, missing: [], leftOut: new Map() }) };
  }
  await runPlan({
    plan: { wishes, choices: [], unpinned: [], passedOver: [], missing: [] },
    caller: client(),
    attempt: (work) => work(),
    parallel: 1,
    report,
    fetches: true,
    ...over,
    index: {
      isHeld: (...given) => index.isHeld(...given),
      open: (...given) => index.open(...given),
      settle: (sha256) => index.settle(sha256),
      unverified: undefined,
      ...over.index,
    },
  });
  return report;
}

it('a file that is not one of those that a lock names is refused', async () => {
  const [first = expect.fail()] = await picked();
  const report = await ran([{ ...first, oneOf: new Set(['sha256:another']) }]);
  expect(report.refused.named).toMatchObject([{ why: expect.stringContaining('is not what the lock says') }]);
  expect(report.progress.fetched).toBe(0);
});

it.each([
  [false, 1, 1],
  [true, 2, 0],
])('what the disk did not take is fetched anew where that may help: %s', async (transient, opened, failed) => {
  const [first = expect.fail()] = await picked();
  const index = rig.index();
  let opens = 0;
  let settles = 0;
  const report = await ran([first], {
    index: {
      async open(...given) {
        opens++;
        return index.open(...given);
      },
      async settle() {
        if (settles++ === 0) throw new Refusal('state', 'The disk did not take it.', { transient });
      },
    },
  });
  expect([opens, report.progress.failed]).toEqual([opened, failed]);
});

it('whoever leaves while a file waits for its turn has nothing more looked for', async () => {
  const files = await picked();
  const { caller, leave } = leavingClient();
  const looked: string[] = [];
  await ran(files, {
    caller,
    index: {
      async isHeld(_, filename) {
        looked.push(filename);
        // The other one waits for its turn by now.
        await new Promise(setImmediate);
        leave();
        return true;
      },
    },
  });
  expect(files).toHaveLength(2);
  expect(looked).toHaveLength(1);
});

it.each([
  ['unlisted', 0],
  ['unreachable', 1],
] as const)(
  'a document that a page announces is left out where it is not there, and else refused: %s',
  async (reason, refused) => {
    const [first = expect.fail()] = await picked();
    const relay = async () => {
      throw new Refusal(reason, 'No document.');
    };
    const other = () => expect.fail('nobody asked for that');
    const unverified = {
      legacyJson: other,
      provenance: other,
      provenanceOf: other,
      variants: other,
      signature: other,
      relay,
    };
    const report = await ran([first], { index: { unverified } });
    expect([report.refused.count, [...report.leftOut.values()]]).toEqual([refused, refused === 0 ? [1] : []]);
  },
);

it('a set of requirements for which too many choices were tried counts as one that cannot be met', async () => {
  const caller = client();
  const sets = { looked: new Set<string>(), changed: new Set<string>(), spared: new Set<string>() };
  const rest = { filters: filtersOf({}), isOffline: false, listed: undefined, ...sets };
  const catalog = new Catalog({ index: rig.index(), caller, attempt: (work) => work(), ...rest });
  const solved = (mostSteps?: number) =>
    new Resolver({ catalog, environment: LINUX, constraints: [], preReleases: false, mostSteps }).solve([
      askedBy('alpha'),
    ]);
  expect([...(await solved(1)).chosen.keys()]).toEqual(['alpha']);
  await expect(solved(0)).rejects.toMatchObject({
    reason: 'unlisted',
    message: expect.stringContaining('0 choices were tried'),
  });
});
