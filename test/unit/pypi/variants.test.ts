import { expect, it } from 'vitest';
import { decodeVariants } from '../../../src/pypi/variants.ts';

const decoded = (text: string) => decodeVariants(Buffer.from(text));

it('variants are by label, and equal where their properties are', () => {
  const variants = decoded('{"variants":{"a":{"x":{"y":["2","1"]}},"b":{"x":{"y":["1","2"]}},"c":{}}}');
  expect([...variants.keys()]).toEqual(['a', 'b', 'c']);
  expect(variants.get('a')).toBe(variants.get('b'));
  expect(variants.get('a')).not.toBe(variants.get('c'));
});

it.each([
  ['[]', 'The list of variants is no object.'],
  ['7', 'The list of variants is no object.'],
  ['{}', 'The list of variants has no "variants".'],
  ['{"variants":[]}', 'The list of variants has no "variants".'],
])('what lists none is refused: %s', (text, message) => {
  expect(() => decoded(text)).toThrow(expect.objectContaining({ reason: 'format', message }));
});
