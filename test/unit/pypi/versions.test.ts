import { expect, it } from 'vitest';
import { versionKey } from '../../../src/pypi/versions.ts';

it.each([
  ['1.0', '1', 'v1.0.0', '01.0'],
  ['1.0a1', '1.0.alpha1', '1.0-A.1', '1.0_alpha_01'],
  ['1.0rc1', '1.0c1', '1.0-preview1', '1-pre-1'],
  ['1.0b0', '1.0b', '1.0beta'],
  ['1.0.post1', '1.0-1', '1.0-r1', '1.0rev1'],
  ['1.0.dev0', '1.0dev', '1-DEV'],
  ['1!1.0', '1!1'],
  ['1.0+ubuntu.1', '1.0+Ubuntu-1', '1.0+ubuntu_1'],
  ['1.0rc1.post2.dev3+x', '1.0-c1-r2-dev-3+X'],
])('PEP 440: %s and its other spellings are one version', (version, ...others) => {
  for (const other of others) expect(versionKey(other)).toBe(versionKey(version));
});

it.each([
  ['1.0', '1.0.1'],
  ['1.0', '10'],
  ['1.0', '1.0a0'],
  ['1.0a1', '1.0b1'],
  ['1.0a1', '1.0a10'],
  ['1.0', '1.0.post0'],
  ['1.0', '1.0+x'],
  ['1.0', '1!1.0'],
  ['odd', 'odder'],
])('%s and %s are two', (a, b) => {
  expect(versionKey(a)).not.toBe(versionKey(b));
});

it('a version of a megabyte is compared as written', () => {
  const long = `1${'.0'.repeat(500_000)}`;
  expect(versionKey(long)).toBe(long);
});
