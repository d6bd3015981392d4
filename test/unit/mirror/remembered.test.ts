import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { makeBelieved } from '../../../src/mirror/believed.ts';
import type { Drawing } from '../../../src/mirror/projects/drawing.ts';
import { Remembered } from '../../../src/mirror/projects/remembered.ts';
import { createClock } from '../../support/clock.ts';

// Room for 1000; a whole document weighs what the test says, a lean one a tenth.

type View = 'whole' | 'lean';

function drawing(
  name: string,
  weight: number,
  over: Partial<Drawing<undefined, View>> = {},
  url = '',
): Drawing<undefined, View> {
  const source = { sha256: `of ${name}`, url, serial: undefined, weight: 0, read: async () => new Uint8Array() };
  const observation = { fetch: 'one', final: false, repeated: false };
  const believed = makeBelieved('index', { name, source, observation, from: 'upstream', proof: undefined });
  return { believed, view: 'whole', settled: true, until: undefined, policy: '1', pins: 'p', weight, ...over };
}

function start({ staysInUse = false, memory = 1000 } = {}) {
  return new Remembered<undefined, View>({
    evidence: { standing: (believed) => ({ standing: 'fresh', believed }) },
    drawer: {
      isWhole: ({ view }) => view === 'whole',
      isOutdated: () => false,
      lean: (whole) => ({ ...whole, view: 'lean', weight: whole.view === 'lean' ? whole.weight : whole.weight / 10 }),
      under: (whole, believed) => ({ ...whole, believed }),
    },
    clock: createClock(),
    memory,
    staysInUse,
  });
}

const views = (remembered: Remembered<undefined, View>, names: string) =>
  [...names].map((name) => remembered.get(name)?.drawing.view ?? 'gone').join(' ');

describe('documents in memory', () => {
  it('are whole as long as there is room', () => {
    const remembered = start();
    for (const name of 'abcd') remembered.keep(name, { drawing: drawing(name, 240) });
    expect(views(remembered, 'abcd')).toBe('whole whole whole whole');
  });

  it('become lean where room is short, what was used least recently first', () => {
    const remembered = start();
    for (const name of 'abcd') remembered.keep(name, { drawing: drawing(name, 240) });
    remembered.get('a');
    remembered.keep('e', { drawing: drawing('e', 240) });
    expect(views(remembered, 'abcde')).toBe('whole lean whole whole whole');
  });

  it('go where they are lean, and half of the room is left to whole ones', () => {
    const remembered = start();
    const names = Array.from({ length: 60 }, (_, at) => String.fromCodePoint(0x100 + at));
    for (const name of names) remembered.keep(name, { drawing: drawing(name, 200) });
    const left = views(remembered, names.join('')).split(' ');
    const count = (view: string) => left.filter((each) => each === view).length;
    expect(count('whole')).toBe(2);
    expect(count('lean')).toBeGreaterThan(20);
    expect(left.slice(0, count('gone')).every((view) => view === 'gone')).toBe(true);
  });

  it('that take more than half of the room are lean, and whole again while they are in use', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const remembered = start();
    const large = drawing('a', 600);
    remembered.keep('a', { drawing: large });
    const lean = remembered.get('a')?.drawing ?? expect.fail();
    expect(lean.view).toBe('lean');
    vi.advanceTimersByTime(14_000);
    expect(remembered.wholeOf('a', lean)?.view).toBe('whole');
    vi.advanceTimersByTime(14_000);
    expect(remembered.wholeOf('a', lean)?.view).toBe('whole');
    vi.advanceTimersByTime(15_000);
    expect(remembered.wholeOf('a', lean)).toBeUndefined();
  });

  it('that there is no room for at all stay while they are asked for, where that is wanted, and go with their absence', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const [without, remembered] = [start(), start({ staysInUse: true })];
    const huge = drawing('a', 20_000);
    for (const each of [without, remembered]) each.keep('a', { drawing: huge });
    expect([views(without, 'a'), views(remembered, 'a')]).toEqual(['gone', 'whole']);
    vi.advanceTimersByTime(14_000);
    expect(views(remembered, 'a')).toBe('whole');
    vi.advanceTimersByTime(14_000);
    expect(views(remembered, 'ab')).toBe('whole gone');
    vi.advanceTimersByTime(15_000);
    expect(views(remembered, 'a')).toBe('gone');
    remembered.keep('a', { drawing: huge });
    remembered.gone('a', huge.believed, false);
    expect(views(remembered, 'a')).toBe('gone');
  });

  it('that a failure is remembered of stay failed when they have gone', () => {
    const remembered = start({ memory: 64_000 });
    const kept = { drawing: drawing('a', 1_000_000) };
    remembered.failed('a', kept, new Error('away'), true);
    expect(remembered.get('a')).toBeUndefined();
    expect(remembered.restingFrom('a', kept)).toBeDefined();
    remembered.found('a');
    expect(remembered.restingFrom('a', kept)).toBeUndefined();
  });

  it.each<readonly [string, Partial<Drawing<undefined, View>>]>([
    ['other pins', { pins: 'q' }],
    ['other rules', { policy: '2' }],
    ['another time to be drawn again', { until: 7 }],
    ['other bytes', { believed: drawing('b', 1).believed }],
    ['the same bytes from another place', { believed: drawing('a', 1, {}, 'elsewhere').believed }],
  ])('that were drawn of %s are another drawing than the whole one that is left', (_, over) => {
    const remembered = start();
    remembered.keep('a', { drawing: drawing('a', 600) });
    expect(remembered.wholeOf('a', drawing('a', 60, { view: 'lean', ...over }))).toBeUndefined();
    expect(remembered.wholeOf('b', drawing('a', 60, { view: 'lean' }))).toBeUndefined();
    const believed = drawing('a', 1).believed;
    expect(remembered.wholeOf('a', drawing('a', 60, { view: 'lean', believed }))?.believed).toBe(believed);
  });

  it('remember that asking failed, whole or lean', () => {
    const remembered = start();
    remembered.keep('a', { drawing: drawing('a', 600) });
    const failed = remembered.failed('a', undefined, new Error('away'), false);
    expect(failed?.drawing.view).toBe('lean');
    expect(remembered.restingFrom('a', remembered.get('a'))).toBeDefined();
  });
});
