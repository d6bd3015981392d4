import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { content, openStore } from '../../support/volume-harness.ts';

// What an import stores under its own digest, before anything of it is believed.

it('is found by each digest that it is asked for by, also where it lay there already', async () => {
  const { blobs } = await openStore();
  const staged = content(1000);
  const sha512 = createHash('sha512').update(staged).digest('hex');
  const own = { sha256: sha256Hex(staged), size: staged.length };
  const by512 = { length: staged.length, digests: new Map([['sha512', sha512] as const]) };
  async function* bytes() {
    yield staged;
  }
  expect(await blobs.stage(own, bytes, 'main')).toBe('stored');
  expect(await blobs.isHeld(by512)).toBe(false);
  const also = new Map([['sha512', sha512] as const]);
  expect(await blobs.stage({ ...own, also }, bytes, 'main')).toBe('stored');
  expect(await blobs.isHeld(by512)).toBe(true);
  expect(await blobs.stage({ ...own, also }, bytes, 'main')).toBe('there');
  const wrong = new Map([['sha512', '0'.repeat(128)] as const]);
  await expect(blobs.stage({ ...own, also: wrong }, bytes, 'main')).rejects.toMatchObject({ reason: 'digest' });
});
