import { expect, it } from 'vitest';
import { createBins } from '../../../src/repository/bins.ts';
import { canonicalText } from '../../../src/repository/json-writer.ts';
import { SignedIndex } from '../../../src/repository/signed-index.ts';
import { createClock } from '../../support/clock.ts';
import { authority } from '../../support/keys.ts';

it('bins are a power of two that their names and hashes have room for', () => {
  expect(createBins('bin', 1).names).toEqual(['bin-0', 'bin-1']);
  for (const bits of [0, -1, 1.5, 33, Number.NaN]) expect(() => createBins('bin', bits)).toThrow('bits must be');
});

it('only what JSON can hold exactly is written', () => {
  expect(canonicalText({ b: 1, a: [true, null, 2n] })).toBe('{"a":[true,null,2],"b":1}');
  for (const value of [0.5, 2 ** 53, Number.NaN, undefined, () => 1, Symbol('a')])
    expect(() => canonicalText([value])).toThrow(TypeError);
});

it('a signed index knows its own roles, and gives up none of its projects where it was made without claims', () => {
  const keys = {
    root: authority(['root']),
    targets: authority(['targets']),
    bins: authority(['bins']),
    online: authority(['online']),
  };
  const index = new SignedIndex({ keys, now: createClock().now, binBits: 4 });
  expect(() => index.repository.role('nobody')).toThrow('no such role here: nobody');
  expect(() => index.claim('alpha', authority(['developer']))).toThrow('made without claims');
});
