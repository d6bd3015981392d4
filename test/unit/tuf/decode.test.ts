import { describe, expect, test } from 'vitest';
import type { MetaDocument, RootDocument, TargetsDocument } from '../../../src/demo/documents.ts';
import { decodeRoot, decodeSnapshot, decodeTargets, decodeTimestamp } from '../../../src/tuf/decode.ts';
import { judge } from '../../../src/tuf/judging.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { reasonOf, refusalOf } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';
import { objectOf } from '../../support/tree.ts';

const SHA256 = 'a'.repeat(64);
const { repository } = createSimulator({
  metaHashes: ['sha256'],
  fill(made) {
    made.addTarget('targets', 'a.txt', Buffer.from('a'));
    made.delegate('targets', { name: 'first', authority: authority(['first']), paths: ['first/*'] });
    made.delegate('targets', { name: 'second', authority: authority(['second']), pathHashPrefixes: ['0'] });
  },
});

type Change<D> = (document: D) => unknown;

function changed<D>(document: D, change: Change<D>): D {
  const copy = structuredClone(document);
  change(copy);
  return copy;
}
const root = (change: Change<RootDocument> = () => {}) => judge(decodeRoot(objectOf(changed(repository.root, change))));
const timestamp = (change: Change<MetaDocument> = () => {}) =>
  judge(decodeTimestamp(objectOf(changed(repository.timestamp, change))));
const snapshot = (change: Change<MetaDocument> = () => {}) =>
  judge(decodeSnapshot(objectOf(changed(repository.snapshot, change))));
const targets = (change: Change<TargetsDocument> = () => {}) =>
  judge(decodeTargets(objectOf(changed(repository.role('targets'), change))));

const everyRole = { root, timestamp, snapshot, targets } as const;
/** Sets members to values of any type; `undefined` removes one. */
const set = (members: Record<string, unknown>) => (document: object) => Object.assign(document, members);

/** Puts a value of any type where the writer would not. */
function put(map: Map<unknown, unknown>, name: string, value: unknown): void {
  map.set(name, value);
}

describe.each(Object.entries(everyRole))('what every document must have: %s', (role, decode) => {
  test('the document as it is', () => {
    expect(decode(() => {}).version).toBe(1);
  });

  test.each<readonly [string, unknown]>([
    ['_type', undefined],
    ['_type', 'something'],
    ['_type', ['root', 'timestamp', 'snapshot', 'targets']],
    ['_type', role.toUpperCase()],
    ...[undefined, 0, -1, '1', true, null, [1], 2n ** 53n, 10n ** 21n].map((v) => ['version', v] as const),
    ...[
      undefined,
      null,
      1,
      '',
      'garbage',
      '2035',
      'Jan 1 2035',
      '2035-01-01',
      '2035-01-01T00:00:00',
      '2035-01-01T00:00:00+00:00',
      '2035-01-01T00:00:00.123Z',
      '2035-01-01t00:00:00Z',
      '2035-01-01T00:00:00z',
      '2035-01-01 00:00:00Z',
      '2035-1-1T0:0:0Z',
      '2035-02-30T00:00:00Z',
      '2035-02-29T00:00:00Z',
      '2035-13-01T00:00:00Z',
      '2035-00-01T00:00:00Z',
      '2035-01-00T00:00:00Z',
      '2020-13-45T99:99:99Z',
      '2035-01-01T24:00:00Z',
      '2035-01-01T00:60:00Z',
      '2035-12-31T23:59:60Z',
      '99999-01-01T00:00:00Z',
      '-2035-01-01T00:00:00Z',
      '٢٠٣٥-01-01T00:00:00Z',
      ' 2035-01-01T00:00:00Z',
      '2035-01-01T00:00:00Z\n',
    ].map((v) => ['expires', v] as const),
    ...[undefined, 1, '', '1', '2.0.0', '0.9', '1.x', '1..0', '1.0.0\n', '1.0.0.0', ' 1.0', 'v1.0', '1.0.', '10.0'].map(
      (v) => ['spec_version', v] as const,
    ),
  ])('%s: %o is refused', async (member, value) => {
    const refusal = await refusalOf(() => decode(set({ [member]: value })));
    expect(refusal.reason).toBe('format');
    expect(refusal.message).toContain(`signed.${member}`);
  });

  test.each(['1.0', '1.0.0', '1.0.34', '1.1.0', '1.99.99'])('spec_version %s is accepted (case 40)', (version) => {
    expect(decode(set({ spec_version: version })).version).toBe(1);
  });

  test('a leap day is a day', () => {
    expect(decode(set({ expires: '2036-02-29T23:59:59Z' })).expires).toBe(Date.UTC(2036, 1, 29, 23, 59, 59) / 1000);
  });

  test('the greatest exact version', () => {
    expect(decode(set({ version: Number.MAX_SAFE_INTEGER })).version).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('unknown members are left alone', () => {
    expect(decode(set({ 'x-anything': [null, { deep: 10n ** 40n }] })).version).toBe(1);
  });
});

describe('root', () => {
  test('consistent_snapshot absent means false (TUF §5.3.12)', () => {
    expect(root(set({ consistent_snapshot: undefined })).consistentSnapshot).toBe(false);
    expect(root().consistentSnapshot).toBe(true);
  });

  test('a fifth role is left alone', () => {
    expect(root((d) => d.roles.set('mirrors', { keyids: [], threshold: 0 })).roles.size).toBe(4);
  });

  test('a keyid without a key counts for nothing and breaks nothing', () => {
    const decoded = root((d) => d.roles.get('root')?.keyids.push('absent'));
    expect(decoded.roles.get('root')?.keys.size).toBe(1);
  });

  test('extra members of roles and keys, and any keyid_hash_algorithms', () => {
    const decoded = root((d) => {
      set({ 'x-expiry-period': 7 })(d.roles.get('root') ?? {});
      for (const key of d.keys.values()) set({ keyid_hash_algorithms: 'md5', 'x-owner': '@somebody' })(key);
    });
    expect(decoded.roles.get('root')?.keys.size).toBe(1);
  });

  test.each<[string, Change<RootDocument>]>([
    ['no roles', set({ roles: undefined })],
    ['roles as a list', set({ roles: [] })],
    ['no keys', set({ keys: undefined })],
    ['keys as a list', set({ keys: [] })],
    ['consistent_snapshot as text', set({ consistent_snapshot: 'true' })],
    ['consistent_snapshot null', set({ consistent_snapshot: null })],
    ...(['root', 'timestamp', 'snapshot', 'targets'] as const).flatMap((role): [string, Change<RootDocument>][] => [
      [`without ${role}`, (d) => d.roles.delete(role)],
      [`${role} as a list`, (d) => d.roles.set(role, Object.assign([], { keyids: [], threshold: 1 }))],
      ...[undefined, 0, -1, '1', null, true, 10n ** 20n].map((threshold): [string, Change<RootDocument>] => [
        `${role} with a threshold of ${threshold} (case 10)`,
        (d) => set({ threshold })(d.roles.get(role) ?? {}),
      ]),
      [`${role} with a threshold above its keys (case 10)`, (d) => set({ threshold: 2 })(d.roles.get(role) ?? {})],
      [`${role} with a keyid twice`, (d) => d.roles.get(role)?.keyids.push(d.roles.get(role)?.keyids[0] ?? '')],
      [`${role} with keyids as text`, (d) => set({ keyids: 'abc' })(d.roles.get(role) ?? {})],
      [`${role} with a number as keyid`, (d) => set({ keyids: [1] })(d.roles.get(role) ?? {})],
    ]),
    ['a key that is text', (d) => put(d.keys, 'k', 'key')],
    ['a key without keyval', (d) => put(d.keys, 'k', { keytype: 'ed25519', scheme: 'ed25519' })],
    ['a key without scheme', (d) => put(d.keys, 'k', { keytype: 'ed25519', keyval: {} })],
    ['a key without keytype', (d) => put(d.keys, 'k', { scheme: 'ed25519', keyval: {} })],
  ])('%s is refused', async (_, change) => {
    expect(await reasonOf(() => root(change))).toBe('format');
  });

  test('more keys than the limit', async () => {
    const many = (d: RootDocument) => {
      const [key] = d.keys.values();
      for (let i = 0; i <= LIMITS.rootKeys; i++) if (key !== undefined) d.keys.set(`k${i}`, key);
    };
    expect(await reasonOf(() => root(many))).toBe('limit');
  });

  test('more keyids in a role than the limit', async () => {
    const many = (d: RootDocument) => {
      for (let i = 0; i <= LIMITS.roleKeys; i++) d.roles.get('timestamp')?.keyids.push(`k${i}`);
    };
    expect(await reasonOf(() => root(many))).toBe('limit');
  });
});

/** What timestamp and snapshot say of a file. */
const wrongMeta: readonly [string, unknown][] = [
  ['null', null],
  ['a list', []],
  ['no version', {}],
  ['version 0', { version: 0 }],
  ['version as text', { version: '1' }],
  ['version true', { version: true }],
  ['length 0', { version: 1, length: 0 }],
  ['length null', { version: 1, length: null }],
  ['a negative length', { version: 1, length: -1 }],
  ['length as text', { version: 1, length: '1' }],
  ['no hashes in hashes', { version: 1, hashes: {} }],
  ['hashes null', { version: 1, hashes: null }],
  ['hashes as a list', { version: 1, hashes: [SHA256] }],
  ['a short digest', { version: 1, hashes: { sha256: 'aa' } }],
  ['an empty digest', { version: 1, hashes: { sha256: '' } }],
  ['a digest that is not hex', { version: 1, hashes: { sha256: 'z'.repeat(64) } }],
  ['an upper-case digest (case 37)', { version: 1, hashes: { sha256: 'A'.repeat(64) } }],
  ['a digest that is a number', { version: 1, hashes: { sha256: 1 } }],
  ['an unknown digest that is a number', { version: 1, hashes: { sha256: SHA256, md5: 1 } }],
];

describe('timestamp', () => {
  test('what it says of the snapshot', () => {
    const { snapshot: file } = timestamp();
    expect(file).toMatchObject({ version: 1, length: expect.any(Number) });
    expect([...(file.digests?.keys() ?? [])]).toEqual(['sha256']);
  });

  test('other entries are left alone, whatever they are', () => {
    expect(timestamp((d) => put(d.meta, 'root.json', null)).snapshot.version).toBe(1);
  });

  test.each(wrongMeta)('%s is refused', async (_, meta) => {
    expect(await reasonOf(() => timestamp((d) => put(d.meta, 'snapshot.json', meta)))).toBe('format');
  });

  test('digests of unknown algorithms alone prove nothing', async () => {
    const hashes = new Map([['md5', 'a'.repeat(32)]]);
    expect(await reasonOf(() => timestamp((d) => d.meta.set('snapshot.json', { version: 1, hashes })))).toBe(
      'algorithm',
    );
  });

  test.each<[string, Change<MetaDocument>]>([
    ['no meta', set({ meta: undefined })],
    ['meta as a list', set({ meta: [] })],
    ['no snapshot in it', (d) => d.meta.delete('snapshot.json')],
  ])('%s is refused', async (_, change) => {
    expect(await reasonOf(() => timestamp(change))).toBe('format');
  });
});

describe('snapshot', () => {
  test.each(wrongMeta)('%s of any role is refused', async (_, meta) => {
    expect(await reasonOf(() => snapshot((d) => put(d.meta, 'first.json', meta)))).toBe('format');
  });

  test('meta as a list is refused', async () => {
    expect(await reasonOf(() => snapshot(set({ meta: [] })))).toBe('format');
  });

  test('entries that nobody delegates to, and odd names, are only entries', () => {
    const decoded = snapshot((d) => {
      for (const name of ['root.json', 'rekor.json', '__proto__', '../x', 'rotate/a.rotate.1', ''])
        d.meta.set(name, { version: 3 });
    });
    expect(decoded.meta.get('__proto__')?.version).toBe(3);
    expect(decoded.meta.get('constructor')).toBeUndefined();
  });
});

describe('targets', () => {
  const wrongTargets: readonly [string, unknown][] = [
    ['null', null],
    ['no length (case 36)', { hashes: { sha256: SHA256 } }],
    ['a negative length', { length: -1, hashes: { sha256: SHA256 } }],
    ['a length as text', { length: '1', hashes: { sha256: SHA256 } }],
    ['a length above 2^53', { length: 2n ** 53n, hashes: { sha256: SHA256 } }],
    ['no hashes', { length: 1 }],
    ['no hashes in hashes (case 34)', { length: 1, hashes: {} }],
    ['a short digest', { length: 1, hashes: { sha256: 'aa' } }],
    ['an upper-case digest (case 37)', { length: 1, hashes: { sha256: 'A'.repeat(64) } }],
    ['a digest of another size', { length: 1, hashes: { sha512: SHA256 } }],
  ];
  test.each(wrongTargets)('a target with %s is refused', async (_, target) => {
    expect(await reasonOf(() => targets((d) => put(d.targets, 'x', target)))).toBe('format');
  });

  test('a target of nothing has length 0', () => {
    const hashes = new Map([['sha256', SHA256]]);
    expect(targets((d) => d.targets.set('empty', { length: 0, hashes })).targets.get('empty')?.length).toBe(0);
  });

  test.each(['md5', 'sha1', 'SHA256', 'sha3-256'])(
    '%s alone lists a target that nothing can prove (case 34)',
    (name) => {
      const decoded = targets((d) => d.targets.set('x', { length: 1, hashes: new Map([[name, SHA256]]) }));
      expect(decoded.targets.get('x')?.digests.size).toBe(0);
      expect(decoded.targets.get('a.txt')?.digests.size).toBe(1);
    },
  );

  test('every known digest is kept beside unknown ones, in listed order', () => {
    const hashes = new Map([
      ['md5', '1'.repeat(32)],
      ['blake2b-256', '2'.repeat(64)],
      ['sha512', '3'.repeat(128)],
      ['sha256', '4'.repeat(64)],
    ]);
    const decoded = targets((d) => d.targets.set('x', { length: 1, hashes }));
    expect([...(decoded.targets.get('x')?.digests.keys() ?? [])]).toEqual(['blake2b-256', 'sha512', 'sha256']);
  });

  test('names such as constructor and __proto__ are only names', () => {
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

  test.each<[string, Change<TargetsDocument>]>([
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

  test('a role name longer than the limit', async () => {
    const long = (d: TargetsDocument) => set({ name: 'x'.repeat(LIMITS.roleName + 1) })(roleAt(d, 0));
    expect(await reasonOf(() => targets(long))).toBe('limit');
  });

  test('a path pattern longer than the limit (case 33)', async () => {
    const long = (d: TargetsDocument) => set({ paths: ['*'.repeat(LIMITS.pathPattern + 1)] })(roleAt(d, 0));
    expect(await reasonOf(() => targets(long))).toBe('limit');
  });
});
