import { describe, expect, it } from 'vitest';
import { affects, fixedIn } from '../../../src/advisories/affected.ts';
import type { Bound } from '../../../src/advisories/record.ts';
import { versionKey } from '../../../src/pypi/versions.ts';

const within = (bounds: readonly Bound[], versions: readonly string[]) => {
  const speaksOf = affects({ versions: [], ranges: [bounds], all: false });
  return versions.filter(speaksOf);
};
const ALL = ['0.1.dev1', '0.1', '1.0', '1.5', '2.0', '2.5', '3.0'];

describe('an advisory speaks of', () => {
  it.each<[string, Bound[], string[]]>([
    ['all from the first on', [['introduced', '0']], ALL],
    [
      'those before the fix',
      [
        ['introduced', '0'],
        ['fixed', '1.0'],
      ],
      ['0.1.dev1', '0.1'],
    ],
    [
      'the last one affected as well',
      [
        ['introduced', '1.0'],
        ['last_affected', '2.0'],
      ],
      ['1.0', '1.5', '2.0'],
    ],
    [
      'one alone',
      [
        ['introduced', '1.0'],
        ['last_affected', '1.0'],
      ],
      ['1.0'],
    ],
    [
      'what came back, in whatever order the events are written',
      [
        ['fixed', '1.0'],
        ['introduced', '2.0'],
        ['introduced', '0'],
        ['fixed', '3.0'],
      ],
      ['0.1.dev1', '0.1', '2.0', '2.5'],
    ],
    [
      'nothing past a limit',
      [
        ['introduced', '1.0'],
        ['limit', '2.0'],
      ],
      ['1.0', '1.5'],
    ],
    [
      'what is before any of several limits',
      [
        ['introduced', '2.0'],
        ['limit', '1.0'],
        ['limit', '3.0'],
      ],
      ['2.0', '2.5'],
    ],
    [
      'all where the limit is none',
      [
        ['introduced', '2.5'],
        ['limit', '*'],
      ],
      ['2.5', '3.0'],
    ],
    ['all where it begins at what is no version', [['introduced', 'the beginning']], ALL],
    [
      'all where it ends at what is no version',
      [
        ['introduced', '0'],
        ['fixed', 'some day'],
      ],
      ALL,
    ],
    [
      'what came back in the version that fixed it',
      [
        ['introduced', '0'],
        ['fixed', '2.0'],
        ['introduced', '2.0'],
      ],
      ALL,
    ],
    [
      'nothing where it was fixed in the first',
      [
        ['introduced', '1.0'],
        ['fixed', '0'],
      ],
      ['1.0', '1.5', '2.0', '2.5', '3.0'],
    ],
  ])('%s', (_, bounds, expected) => {
    expect(within(bounds, ALL)).toEqual(expected);
  });

  it('what is no version, wherever that cannot be ruled out', () => {
    expect(
      within(
        [
          ['introduced', '0'],
          ['fixed', '9'],
        ],
        ['2004d'],
      ),
    ).toEqual(['2004d']);
    expect(within([['introduced', '1.0']], ['2004d'])).toEqual([]);
    expect(affects({ versions: ['2004d'], ranges: [], all: false })('2004D')).toBe(true);
  });

  it('listed versions beside ranges', () => {
    const speaksOf = affects({
      versions: [versionKey('3')],
      ranges: [
        [
          ['introduced', '0'],
          ['fixed', '1.0'],
        ],
      ],
      all: false,
    });
    expect(ALL.filter(speaksOf)).toEqual(['0.1.dev1', '0.1', '3.0']);
  });

  it('none that it says to be mended, each in one spelling', () => {
    const ranges: Bound[][] = [
      [
        ['introduced', '0'],
        ['fixed', '1.0'],
      ],
      [
        ['introduced', '2.0'],
        ['fixed', '2.0.1'],
      ],
    ];
    expect([...fixedIn(ranges)]).toEqual(['1.0', '2.0.1'].map(versionKey));
  });
});
