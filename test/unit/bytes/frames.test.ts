import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packFrames, unpackFrames } from '../../../src/bytes/frames.ts';

const values = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 });

it('values come out as they went in', () => {
  fc.assert(
    fc.property(values, (given) => {
      expect(unpackFrames(packFrames(given))?.map((value) => new Uint8Array(value))).toEqual(given);
    }),
  );
});

it('what is cut within a value, or goes on behind the last, is none', () => {
  const packed = packFrames([Buffer.from('one'), Buffer.from('another')]);
  for (let cut = 1; cut < packed.byteLength; cut++) {
    const left = unpackFrames(packed.subarray(0, -cut));
    // A cut between two values leaves the first one.
    if (cut === 4 + 'another'.length) expect(left?.map(String)).toEqual(['one']);
    else expect(left).toBeUndefined();
  }
  expect(unpackFrames(Buffer.concat([packed, Buffer.of(0, 0, 0)]))).toBeUndefined();
});
