import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type ImportRig, startImportRig } from '../../rigs/import-rig.ts';
import { type TinyWheel, tinyWheel } from '../../support/tiny-wheel.ts';

// Eight bundles, of which any may be lost, come twice or out of order. The whole matrix takes minutes: VERBATIM_TEST_WHOLE_MATRIX=1.

const BUNDLES = 8;
const ALL = 2 ** BUNDLES;
/** A step that shares no factor with the number of subsets: the same subsets each time, spread over all of them. */
const STEP = process.env['VERBATIM_TEST_WHOLE_MATRIX'] === '1' ? 1 : 11;
const SUBSETS = Array.from({ length: Math.ceil(ALL / STEP) }, (_, at) => (at * STEP) % ALL);

interface Sent {
  readonly number: number;
  readonly whole: Buffer;
  readonly state: ReadonlyMap<string, readonly TinyWheel[]>;
}

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

/** Numbers 2, 3, 6 and 8 build on the one before; 5 has all since 1; 4 all since 2; 1 and 7 are complete. */
const SINCE: Readonly<Record<number, number>> = { 2: 1, 3: 2, 4: 2, 5: 1, 6: 5, 8: 7 };

async function sent(rig: ImportRig): Promise<readonly Sent[]> {
  const state = new Map<string, readonly TinyWheel[]>();
  const all: Sent[] = [];
  for (let number = 1; number <= BUNDLES; number++) {
    // One comes and stays, one comes and goes, one changes each time.
    state.set(`stays-${number}`, [tinyWheel(`stays-${number}`)]);
    state.set('changes', [tinyWheel('changes', `${number}.0`)]);
    state.set('passes', number % 2 === 0 ? [] : [tinyWheel('passes', `${number}.0`)]);
    for (const [project, wheels] of state) rig.sender.put(project, ...wheels);
    const { whole } = await rig.sender.bundle({ since: SINCE[number] });
    all.push({ number, whole, state: new Map(state) });
  }
  return all;
}

/** What is served is what the sender had at the number in force, byte for byte; nothing where none is. */
async function holds(rig: ImportRig, bundles: readonly Sent[], number: number): Promise<void> {
  const { state } = bundles[number - 1] ?? { state: new Map<string, readonly TinyWheel[]>() };
  const projects = new Set(bundles.flatMap((bundle) => [...bundle.state.keys()]));
  for (const project of projects) {
    const wheels = state.get(project) ?? [];
    if (wheels.length === 0) {
      expect([number, project, await rig.refused(`/simple/${project}/`)]).toEqual([number, project, '503 offline']);
      continue;
    }
    const { files } = await rig.page(project);
    expect([number, project, files.map(({ filename }) => filename)]).toEqual([
      number,
      project,
      wheels.map(({ filename }) => filename),
    ]);
    for (const { url, filename } of files) {
      const { body } = await rig.get(new URL(url, `http://host/simple/${project}/`).pathname);
      expect(body.equals(wheels.find((wheel) => wheel.filename === filename)?.bytes ?? Buffer.alloc(0))).toBe(true);
    }
  }
}

/** Takes what came, in its order, again and again until nothing more can be taken; the number in force. */
async function deliver(rig: ImportRig, came: readonly Sent[], before = 0): Promise<number> {
  let inForce = before;
  for (let progress = true; progress; ) {
    progress = false;
    for (const { number, whole } of came) {
      const error = await rig.take([whole]).then(
        () => undefined,
        (refused: unknown) => refused,
      );
      if (error === undefined) {
        if (number > inForce) progress = true;
        inForce = Math.max(inForce, number);
      } else if (!(error instanceof Refusal)) throw error;
      else if (error.reason === 'mix-and-match')
        expect(error.message).toMatch(new RegExp(`Missing: .*\\b${SINCE[number]}\\b|old imports`));
      else expect([number, error.reason]).toEqual([number, 'rollback']);
    }
  }
  return inForce;
}

/** The highest number that can be reached from what came, each once what it builds on was in force. */
function reachable(came: readonly Sent[]): ReadonlySet<number> {
  const numbers = came.map(({ number }) => number);
  return new Set(numbers.filter((number) => SINCE[number] === undefined || numbers.includes(SINCE[number] ?? 0)));
}

describe('of eight bundles any may be lost', () => {
  it.each(SUBSETS)('those of the subset %i come, some twice and out of order; then all of them', async (subset) => {
    const rig = await startImportRig({ import: { maxAge: 400 } });
    open.push(rig);
    const bundles = await sent(rig);
    const came = bundles.filter(({ number }) => (subset >> (number - 1)) % 2 === 1);
    // Reversed in every third, and each second one twice.
    const order = subset % 3 === 0 ? came.toReversed() : came;
    const inForce = await deliver(rig, subset % 2 === 0 ? [...order, ...order] : order);
    if (inForce > 0) expect(reachable(came).has(inForce)).toBe(true);
    await holds(rig, bundles, inForce);
    expect(await deliver(rig, bundles, inForce)).toBe(BUNDLES);
    await holds(rig, bundles, BUNDLES);
  });
});
