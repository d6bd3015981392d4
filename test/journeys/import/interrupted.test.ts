import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type ImportRig, startImportRig } from '../../rigs/import-rig.ts';
import { endingAt, Killed } from '../../support/ending-imports.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// An import that ends at any of its steps: killed, or for want of room.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function begun(): Promise<{ readonly rig: ImportRig; readonly whole: Buffer }> {
  const rig = await startImportRig();
  open.push(rig);
  rig.sender.put('alpha', ALPHA);
  rig.sender.put('beta', BETA);
  await rig.take([(await rig.sender.bundle()).whole]);
  rig.sender.put('alpha', ALPHA2);
  rig.sender.put('beta');
  rig.sender.put('gamma', tinyWheel('gamma'));
  const { whole } = await rig.sender.bundle({ since: 1 });
  return { rig, whole };
}

async function served(rig: ImportRig): Promise<string> {
  const alpha = await rig.names('alpha');
  const others = await Promise.all(['beta', 'gamma'].map((project) => rig.refused(`/simple/${project}/`)));
  return [...alpha, ...others.map((said) => (said.startsWith('200') ? 'there' : said))].join(' ');
}

const OLD = `${ALPHA.filename} there 503 offline`;
const NEW = `${ALPHA2.filename} 503 offline there`;

describe.each([
  { ends: 'killed before a step', error: () => new Killed(), before: true },
  { ends: 'killed after a step', error: () => new Killed(), before: false },
  {
    ends: 'out of room at a step',
    error: () => new Refusal('limit', 'There is no room.', { transient: true }),
    before: true,
  },
])('an import that is $ends', ({ error, before }) => {
  it('leaves the old state or the new one, whole, and comes to the same end when it is run again', async () => {
    for (let at = 1; ; at++) {
      const { rig, whole } = await begun();
      const ending = endingAt(at, error, before);
      const ended = await rig.take([whole], { place: ending.place }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (ended === undefined) {
        expect(ending.steps()).toBeGreaterThan(8);
        return;
      }
      expect([OLD, NEW]).toContain(await served(rig));
      await rig.kill();
      expect([OLD, NEW]).toContain(await served(rig));
      await rig.take([whole]);
      expect([at, await served(rig)]).toEqual([at, NEW]);
      await rig.close();
      open.pop();
    }
  }, 120_000);
});

describe('two imports at once', () => {
  it('the second is refused, and nothing of it is in force', async () => {
    const { rig, whole } = await begun();
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const third = await rig.sender.bundle();
    let isFirst = true;
    const late = rig.take([third.whole], {
      place: (own) => ({
        ...own,
        index: {
          ...own.index,
          adopt: () => own.index.adopt(),
          async take(taking) {
            if (isFirst) await rig.take([whole]);
            isFirst = false;
            await own.index.take(taking);
          },
        },
      }),
    });
    await expect(late).rejects.toThrow('Another import went ahead meanwhile');
    expect(await served(rig)).toBe(NEW);
  });

  it('a bundle that is larger than what is free is refused before a byte is written', async () => {
    const { rig, whole } = await begun();
    const full = rig.take([whole], { place: (own) => ({ ...own, room: async () => 10 }) });
    await expect(full).rejects.toMatchObject({
      transient: true,
      message: expect.stringContaining('nothing was written'),
    });
    expect(await served(rig)).toBe(OLD);
  });
});
