import { expect, it } from 'vitest';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { isSameDocument } from '../../../src/mirror/tuf/proof.ts';
import { chainOf } from '../../../src/mirror/tuf/vouchers.ts';
import { createClient } from '../../support/client.ts';
import { createSimulator } from '../../support/simulator.ts';

const SHA256 = ['sha256', 'a'.repeat(64)] as const;
const SHA512 = ['sha512', 'b'.repeat(128)] as const;

it('two statements on a document are the same where length and every digest are', () => {
  const one = makeExpected({ length: 4, digests: new Map([SHA256]) });
  expect(isSameDocument(one, makeExpected({ length: 4, digests: new Map([SHA256]) }))).toBe(true);
  for (const other of [
    { length: 5, digests: new Map([SHA256]) },
    { digests: new Map([SHA256]) },
    { length: 4, digests: new Map([SHA256, SHA512]) },
    { length: 4, digests: new Map([SHA512]) },
    { length: 4, digests: new Map([['sha256', 'c'.repeat(64)]] as const) },
    { length: 4, digests: new Map() },
  ]) {
    expect(isSameDocument(one, makeExpected(other))).toBe(false);
    expect(isSameDocument(makeExpected(other), one)).toBe(false);
  }
});

it('nobody vouches for what no role lists', async () => {
  const generation = await createClient(createSimulator()).refresh();
  const search = { generation, target: undefined, listedBy: undefined, visited: [] };
  expect(() => chainOf(search)).toThrow(expect.objectContaining({ reason: 'unlisted', subject: 'page' }));
});
