import { createHash } from 'node:crypto';
import * as noble from '@noble/ed25519';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ed25519Key } from '../../../src/repository/signing-keys.ts';
import { decodeEd25519 } from '../../../src/tuf/schemes/ed25519.ts';

// node checks signatures here, and @noble/ed25519, strict, is what it is held to: nothing is accepted that noble refuses. The other
// way round they may differ where a key or an R has a part of small order, which no honest signer makes.

noble.hashes.sha512 = (message) => createHash('sha512').update(message).digest();
const { Point } = noble;
const { n: L } = Point.CURVE();
const P = 2n ** 255n - 19n;

interface Vector {
  readonly key: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const here = ({ key, message, signature }: Vector) =>
  decodeEd25519(Buffer.from(key).toString('hex'))?.verifies(message, signature) ?? false;

function byNoble({ key, message, signature }: Vector): boolean {
  try {
    return noble.verify(signature, message, key, { zip215: false });
  } catch {
    return false;
  }
}

function little(value: bigint): Buffer {
  const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
  return bytes.reverse();
}
const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
const sha512 = (...parts: readonly Uint8Array[]) => createHash('sha512').update(Buffer.concat(parts)).digest();
const scalar = (text: string) => number(sha512(Buffer.from(text))) % L;

/** A generator of the eight points of small order. */
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const torsion = (i: number) => (i % 8 === 0 ? Point.ZERO : TORSION.multiply(BigInt(i % 8), false));
const times = (n: bigint) => (n === 0n ? Point.ZERO : Point.BASE.multiply(n, false));

/** A signature by a secret whose key and R have parts of small order: 8SB = 8R + 8kA always, SB = R + kA only where those cancel. */
function mixed(a: bigint, i: number, r: bigint, j: number, message: Uint8Array) {
  const key = times(a).add(torsion(i)).toBytes();
  const R = times(r).add(torsion(j)).toBytes();
  const k = number(sha512(R, key, message)) % L;
  const cancels = (BigInt(j) + k * BigInt(i)) % 8n === 0n;
  return { key, message, signature: Buffer.concat([R, little((r + k * a) % L)]), cancels };
}

const MIXED = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) =>
  [0, 1, 2, 3, 4, 5, 6, 7].flatMap((j) =>
    ['x', 'y'].map((text) => ({ i, j, ...mixed(scalar('secret'), i, scalar(`r ${text}`), j, Buffer.from(text)) })),
  ),
);

describe('parts of small order', () => {
  it('noble accepts all of them, and what is accepted here are those where the parts cancel', () => {
    for (const vector of MIXED) {
      const { i, j } = vector;
      expect([i, j, byNoble(vector)]).toEqual([i, j, true]);
      expect([i, j, here(vector)]).toEqual([i, j, vector.cancels]);
    }
    expect(MIXED.filter(({ cancels }) => cancels).length).toBeGreaterThan(2);
    expect(MIXED.filter(({ cancels }) => !cancels).length).toBeGreaterThan(50);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('a key of small order, %i times the generator, is no key', (i) => {
    for (const r of [0n, scalar('r')])
      for (let j = 0; j < 8; j++) {
        const vector = mixed(0n, i, r, j, Buffer.from('x'));
        expect([byNoble(vector), here(vector)]).toEqual([false, false]);
      }
    expect(decodeEd25519(Buffer.from(torsion(i).toBytes()).toString('hex'))).toBeUndefined();
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'an R of small order, %i times the generator, is accepted at most where noble does',
    (j) => {
      // OpenSSL 3.5 refuses R = 0 too; 3.0 does not.
      const vector = mixed(scalar('secret'), 0, 0n, j, Buffer.from('x'));
      expect(byNoble(vector)).toBe(true);
      if (!vector.cancels) expect(here(vector)).toBe(false);
    },
  );
});

describe('second spellings', () => {
  const SIGN = 1n << 255n;
  /** Every encoding of a y beyond the field, and those of x = 0 with the sign of an odd x. */
  const NONCANONICAL = [
    ...Array.from({ length: 19 }, (_, y) => [P + BigInt(y), P + BigInt(y) + SIGN]).flat(),
    1n + SIGN,
    P - 1n + SIGN,
  ].map(little);

  it('none is a key', () => {
    for (const key of NONCANONICAL) {
      expect(decodeEd25519(key.toString('hex'))).toBeUndefined();
      expect(byNoble({ key, message: Buffer.alloc(1), signature: Buffer.alloc(64) })).toBe(false);
    }
  });

  it('none is an R, with whatever S', () => {
    const key = times(scalar('secret')).toBytes();
    for (const R of NONCANONICAL) {
      const message = Buffer.from('x');
      const k = number(sha512(R, key, message)) % L;
      const signature = Buffer.concat([R, little((k * scalar('secret')) % L)]);
      expect([here({ key, message, signature }), byNoble({ key, message, signature })]).toEqual([false, false]);
    }
  });

  it('S plus the order, once or as often as it fits, is no S', () => {
    const { key, message, signature } = mixed(scalar('secret'), 0, scalar('r'), 0, Buffer.from('x'));
    expect(here({ key, message, signature })).toBe(true);
    const [R, s] = [signature.subarray(0, 32), number(signature.subarray(32))];
    for (let more = L; s + more < 1n << 256n; more += L) {
      const again = { key, message, signature: Buffer.concat([R, little(s + more)]) };
      expect([here(again), byNoble(again)]).toEqual([false, false]);
    }
  });
});

describe('any bytes at all', () => {
  const signers = Array.from({ length: 8 }, (_, i) => ed25519Key(createHash('sha256').update(`signer ${i}`).digest()));
  const keyOf = (i: number) => Buffer.from(String(signers[i]?.public.keyval['public']), 'hex');

  /** Bytes that look random and are the same in every run. */
  function* stream(): Generator<number, never, undefined> {
    for (let block = sha512(Buffer.from('changes')); ; block = sha512(block)) yield* block;
  }

  it('of 100,000 random and changed signatures none is accepted that noble refuses', { timeout: 300_000 }, () => {
    const bytes = stream();
    const made = Array.from({ length: 256 }, (_, i) => {
      const message = sha512(Buffer.from([i])).subarray(0, 1 + (i % 40));
      return { key: keyOf(i % 8), message, signature: signers[i % 8]?.sign(message) ?? new Uint8Array() };
    });
    const before = made.map((vector) => here(vector) && byNoble(vector));
    expect(new Set(before)).toEqual(new Set([true]));
    let accepted = 0;
    for (let run = 0; run < 100_000; run++) {
      const [which, what, at, xor] = [bytes.next(), bytes.next(), bytes.next(), bytes.next()].map(({ value }) => value);
      const vector = made[which ?? 0] ?? expect.fail();
      const changed = { ...vector, signature: Buffer.from(vector.signature) };
      if ((what ?? 0) % 8 === 0) changed.key = flipped(vector.key, at ?? 0, xor ?? 0);
      else if ((what ?? 0) % 8 === 1) changed.message = flipped(vector.message, at ?? 0, xor ?? 0);
      else if ((what ?? 0) % 8 === 2)
        sha512(vector.signature, Buffer.from([at ?? 0, xor ?? 0])).copy(changed.signature);
      else changed.signature = flipped(vector.signature, at ?? 0, xor ?? 0);
      if (!here(changed)) continue;
      accepted++;
      expect(byNoble(changed)).toBe(true);
    }
    // Those in which nothing was changed after all: an exclusive or with zero.
    expect(accepted).toBeGreaterThan(200);
    expect(accepted).toBeLessThan(600);
  });

  function flipped(bytes: Uint8Array, at: number, xor: number) {
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ xor;
    return copy;
  }

  it('both say the same of those a signer made, whole and changed', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.uint8Array({ maxLength: 40 }), fc.nat(63), fc.nat(255), (i, message, at, xor) => {
        const signature = Buffer.from(signers[i]?.sign(message) ?? []);
        signature[at] = (signature[at] ?? 0) ^ xor;
        const vector = { key: keyOf(i), message, signature };
        expect(here(vector)).toBe(byNoble(vector));
      }),
      { numRuns: 200 },
    );
  });

  it('signatures of other lengths, and keys that are no point, are refused by both', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 80 }),
        (key, signature) => {
          const vector = { key, message: Buffer.from('x'), signature };
          expect(here(vector)).toBe(false);
          expect(byNoble(vector)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });
});
