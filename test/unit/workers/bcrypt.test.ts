import { bcrypt } from 'hash-wasm';
import { expect, it } from 'vitest';
import { bcryptHolds } from '../../../src/workers/bcrypt.ts';

const encoded = (password: string) =>
  bcrypt({ password: Buffer.from(password), salt: Buffer.alloc(16, 1), costFactor: 4, outputType: 'encoded' });

it.each([
  ['word', true],
  // To bcrypt it is "word".
  ['word\0', false],
  ['word\0more', false],
  ['\0', false],
])(
  'a password holds where it is the whole of what was kept, without its end in its middle: %j',
  async (password, holds) => {
    expect(await bcryptHolds(password, await encoded(password))).toBe(holds);
  },
);

it('an empty password is nobody’s', async () => {
  expect(await bcryptHolds('', await encoded('word'))).toBe(false);
});
