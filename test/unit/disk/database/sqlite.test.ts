import { expect, it } from 'vitest';
import { bytesOf, DamagedDatabase, integerOf, textOf } from '../../../../src/disk/database/sqlite.ts';

it('what a column may not hold is damage, and not taken for something else', () => {
  const bytes = Uint8Array.of(1);
  expect([integerOf(7n), integerOf(7), textOf('7'), bytesOf(bytes)]).toEqual([7, 7, '7', bytes]);
  for (const value of ['7', 7.5, 2n ** 53n, null, bytes, undefined])
    expect(() => integerOf(value)).toThrow(new DamagedDatabase('a number is none'));
  for (const value of [7, 7n, null, bytes, undefined])
    expect(() => textOf(value)).toThrow(new DamagedDatabase('a text is none'));
  for (const value of [7, 7n, '7', null, undefined])
    expect(() => bytesOf(value)).toThrow(new DamagedDatabase('bytes are none'));
});
