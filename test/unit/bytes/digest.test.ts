import { describe, expect, it } from 'vitest';
import { agree, type Digests, knownDigests, refuseUnknownDigests, sha256Hex } from '../../../src/bytes/digest.ts';
import { createProver } from '../../../src/bytes/prover.ts';
import { reasonOf } from '../../support/client.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

describe.each([
  ['the digests of a listing', (listed: readonly (readonly [string, unknown])[]) => knownDigests(listed)],
  [
    'the same without a Map',
    (listed: readonly (readonly [string, unknown])[]) => refuseUnknownDigests(new Map(listed)),
  ],
])('%s', (_, read) => {
  it.each<readonly [string, unknown]>([
    ['sha256', A.toUpperCase()],
    ['sha256', A.slice(1)],
    ['sha256', `${A}a`],
    ['sha256', `${A.slice(1)}g`],
    ['sha512', A],
    ['blake2b-256', [A]],
    ['sha384', undefined],
  ])('are refused where %s is %o, though another is well-formed', async (name, hex) => {
    const good = [name === 'sha256' ? 'blake2b-256' : 'sha256', A] as const;
    const bad = [name, hex] as const;
    expect(await reasonOf(() => read([good, bad]))).toBe('format');
    expect(await reasonOf(() => read([bad, good]))).toBe('format');
  });

  it.each([[[]], [[['md5', 'a'.repeat(32)]]], [[['SHA256', A]]]] as const)(
    'are refused where none of %o is known',
    async (listed) => {
      expect(await reasonOf(() => read(listed))).toBe('algorithm');
    },
  );

  it('are taken beside unknown ones, whatever those hold', () => {
    expect(() =>
      read([
        ['md5', 1],
        ['sha256', A],
      ]),
    ).not.toThrow();
  });
});

describe('two sets of digests', () => {
  const of = (...listed: readonly (readonly [string, string])[]): Digests => knownDigests(listed);

  it('agree where every common one is the same', () => {
    expect(agree(of(['sha256', A]), of(['sha256', A], ['blake2b-256', B]))).toBe(true);
  });

  it('do not where one of two common ones differs', () => {
    const one = of(['sha256', A], ['blake2b-256', A]);
    const other = of(['sha256', A], ['blake2b-256', B]);
    expect(agree(one, other)).toBe(false);
    expect(agree(other, one)).toBe(false);
  });

  it('do not where they have none in common', () => {
    expect(agree(of(['sha256', A]), of(['blake2b-256', A]))).toBe(false);
  });
});

describe('a stream that is proved', () => {
  const statement = (text: string, length: number) => ({
    length,
    digests: knownDigests([['sha256', sha256Hex(Buffer.from(text))]]),
  });

  it.each([
    ['what is stated', 'abc', 3, undefined],
    ['another length, though its digest is right', 'abc', 4, 'length'],
    ['other bytes of that length', 'abd', 3, 'digest'],
  ])('of %s', async (_, stated, length, reason) => {
    const prover = await createProver(statement(stated, length));
    for (const part of ['a', 'bc']) prover.update(Buffer.from(part));
    if (reason === undefined) expect(prover.finish()).toBe(sha256Hex(Buffer.from('abc')));
    else expect(await reasonOf(() => prover.finish())).toBe(reason);
  });
});

it('bytes are hashed for nobody who states no digest of them', async () => {
  await expect(createProver({ length: 1, digests: new Map() })).rejects.toMatchObject({ reason: 'algorithm' });
});
