import { describe, expect, it } from 'vitest';
import type { TargetsDocument } from '../../../src/repository/documents.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { reasonOf } from '../../support/client.ts';
import { type Change, put, SHA256, set, targets } from '../../support/decoding.ts';

describe('targets', () => {
  const wrongTargets: readonly [string, unknown][] = [
    ['null', null],
    ['no length', { hashes: { sha256: SHA256 } }],
    ['a negative length', { length: -1, hashes: { sha256: SHA256 } }],
    ['a length as text', { length: '1', hashes: { sha256: SHA256 } }],
    ['a length above 2^53', { length: 2n ** 53n, hashes: { sha256: SHA256 } }],
    ['no hashes', { length: 1 }],
    ['no hashes in hashes', { length: 1, hashes: {} }],
    ['a short digest', { length: 1, hashes: { sha256: 'aa' } }],
    ['an upper-case digest', { length: 1, hashes: { sha256: 'A'.repeat(64) } }],
    ['a digest of another size', { length: 1, hashes: { sha512: SHA256 } }],
  ];
  it.each(wrongTargets)('a target with %s is refused', async (_, target) => {
    expect(await reasonOf(() => targets((d) => put(d.targets, 'x', target)))).toBe('format');
  });

  it('a target of nothing has length 0', () => {
    const hashes = new Map([['sha256', SHA256]]);
    expect(targets((d) => d.targets.set('empty', { length: 0, hashes })).targets.get('empty')?.length).toBe(0);
  });

  it.each(['md5', 'sha1', 'SHA256', 'sha3-256'])('%s alone lists a target that nothing can prove', (name) => {
    const decoded = targets((d) => d.targets.set('x', { length: 1, hashes: new Map([[name, SHA256]]) }));
    expect(decoded.targets.get('x')?.digests.size).toBe(0);
    expect(decoded.targets.get('a.txt')?.digests.size).toBe(1);
  });

  it('every known digest is kept beside unknown ones, in listed order', () => {
    const hashes = new Map([
      ['md5', '1'.repeat(32)],
      ['blake2b-256', '2'.repeat(64)],
      ['sha512', '3'.repeat(128)],
      ['sha256', '4'.repeat(64)],
    ]);
    const decoded = targets((d) => d.targets.set('x', { length: 1, hashes }));
    expect([...(decoded.targets.get('x')?.digests.keys() ?? [])]).toEqual(['blake2b-256', 'sha512', 'sha256']);
  });

  it('names such as constructor and __proto__ are only names', () => {
    expect(targets().targets.get('constructor')).toBeUndefined();
    const hashes = new Map([['sha256', SHA256]]);
    expect(targets((d) => d.targets.set('__proto__', { length: 5, hashes })).targets.get('__proto__')?.length).toBe(5);
  });

  const roleAt = (d: TargetsDocument, i: number) => d.delegations?.roles?.[i] ?? {};
  const succinct = (members: Record<string, unknown>) =>
    set({
      delegations: {
        keys: {},
        succinct_roles: { keyids: [], threshold: 1, bit_length: 4, name_prefix: 'bin', ...members },
      },
    });

  it.each<[string, Change<TargetsDocument>]>([
    ['targets as a list', set({ targets: [] })],
    ['no targets', set({ targets: undefined })],
    ['delegations null', set({ delegations: null })],
    ['delegations with neither roles nor succinct_roles', set({ delegations: { keys: {} } })],
    [
      'delegations with both',
      (d) =>
        set({ succinct_roles: { keyids: [], threshold: 1, bit_length: 4, name_prefix: 'bin' } })(d.delegations ?? {}),
    ],
    ['delegations without keys', set({ delegations: { roles: [] } })],
    ['roles as an object', set({ delegations: { keys: {}, roles: {} } })],
    ['TAP 3: delegations as a list', set({ delegations: [] })],
    ['a role without a name', (d) => set({ name: undefined })(roleAt(d, 0))],
    ['a role with an empty name', (d) => set({ name: '' })(roleAt(d, 0))],
    ['a role with a name that stands twice', (d) => set({ name: 'second' })(roleAt(d, 0))],
    ...['root', 'timestamp', 'snapshot', 'targets', '2.root'].map((name): [string, Change<TargetsDocument>] => [
      `a role named ${name}`,
      (d) => set({ name })(roleAt(d, 0)),
    ]),
    ['a role without terminating', (d) => set({ terminating: undefined })(roleAt(d, 0))],
    ['a role with terminating as text', (d) => set({ terminating: 'true' })(roleAt(d, 0))],
    ['a role with neither paths nor prefixes', (d) => set({ paths: undefined })(roleAt(d, 0))],
    ['a role with both paths and prefixes', (d) => set({ path_hash_prefixes: [] })(roleAt(d, 0))],
    ['paths as text', (d) => set({ paths: 'first/*' })(roleAt(d, 0))],
    ['a path that is a number', (d) => set({ paths: [1] })(roleAt(d, 0))],
    ['a prefix that is a number', (d) => set({ path_hash_prefixes: [0] })(roleAt(d, 1))],
    ...[undefined, 0, -1, '1', true].flatMap((threshold): [string, Change<TargetsDocument>][] => [
      [`a role with a threshold of ${threshold} (CVE-2026-23992)`, (d) => set({ threshold })(roleAt(d, 0))],
      [`bins with a threshold of ${threshold} (CVE-2026-23992)`, succinct({ threshold })],
    ]),
    ...[undefined, 0, -1, 33, '4', true].map((bits): [string, Change<TargetsDocument>] => [
      `bins of ${bits} bits`,
      succinct({ bit_length: bits }),
    ]),
    ['bins without a prefix', succinct({ name_prefix: undefined })],
    ['bins without keyids', succinct({ keyids: undefined })],
  ])('%s is refused', async (_, change) => {
    expect(await reasonOf(() => targets(change))).toBe('format');
  });

  it('a role name longer than the limit', async () => {
    const long = (d: TargetsDocument) => set({ name: 'x'.repeat(LIMITS.roleName + 1) })(roleAt(d, 0));
    expect(await reasonOf(() => targets(long))).toBe('limit');
  });

  it('a path pattern longer than the limit', async () => {
    const long = (d: TargetsDocument) => set({ paths: ['*'.repeat(LIMITS.pathPattern + 1)] })(roleAt(d, 0));
    expect(await reasonOf(() => targets(long))).toBe('limit');
  });
});
