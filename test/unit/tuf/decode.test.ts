import { describe, expect, it } from 'vitest';
import type { MetaDocument, RootDocument } from '../../../src/repository/documents.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { reasonOf, refusalOf } from '../../support/client.ts';
import { type Change, everyRole, put, root, SHA256, set, snapshot, timestamp } from '../../support/decoding.ts';

describe.each(Object.entries(everyRole))('what every document must have: %s', (role, decode) => {
  it('the document as it is', () => {
    expect(decode(() => {}).version).toBe(1);
  });

  it.each<readonly [string, unknown]>([
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

  it.each(['1.0', '1.0.0', '1.0.34', '1.1.0', '1.99.99'])('spec_version %s is accepted', (version) => {
    expect(decode(set({ spec_version: version })).version).toBe(1);
  });

  it('a leap day is a day', () => {
    expect(decode(set({ expires: '2036-02-29T23:59:59Z' })).expires).toBe(Date.UTC(2036, 1, 29, 23, 59, 59) / 1000);
  });

  it('the greatest exact version', () => {
    expect(decode(set({ version: Number.MAX_SAFE_INTEGER })).version).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('unknown members are left alone', () => {
    expect(decode(set({ 'x-anything': [null, { deep: 10n ** 40n }] })).version).toBe(1);
  });
});

describe('root', () => {
  it('consistent_snapshot absent means false (TUF §5.3.12)', () => {
    expect(root(set({ consistent_snapshot: undefined })).consistentSnapshot).toBe(false);
    expect(root().consistentSnapshot).toBe(true);
  });

  it('a fifth role is left alone', () => {
    expect(root((d) => d.roles.set('mirrors', { keyids: [], threshold: 0 })).roles.size).toBe(4);
  });

  it('a keyid without a key counts for nothing and breaks nothing', () => {
    const decoded = root((d) => d.roles.get('root')?.keyids.push('absent'));
    expect(decoded.roles.get('root')?.keys.size).toBe(1);
  });

  it('a threshold above its keys is read: nothing can be proved by it', () => {
    for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const)
      expect(root((d) => set({ threshold: 2 })(d.roles.get(role) ?? {})).roles.get(role)?.threshold).toBe(2);
  });

  it('extra members of roles and keys, and any keyid_hash_algorithms', () => {
    const decoded = root((d) => {
      set({ 'x-expiry-period': 7 })(d.roles.get('root') ?? {});
      for (const key of d.keys.values()) set({ keyid_hash_algorithms: 'md5', 'x-owner': '@somebody' })(key);
    });
    expect(decoded.roles.get('root')?.keys.size).toBe(1);
  });

  it.each([undefined, null, 5, ['a'], { pem: 'a' }])(
    'a key that nobody uses does no harm, its public part being %j',
    (value) => {
      const decoded = root((d) =>
        put(d.keys, 'k', { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: value } }),
      );
      expect(decoded.roles.get('root')?.keys.size).toBe(1);
    },
  );

  it.each<[string, Change<RootDocument>]>([
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
        `${role} with a threshold of ${threshold}`,
        (d) => set({ threshold })(d.roles.get(role) ?? {}),
      ]),
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

  it('more keys than the limit', async () => {
    const many = (d: RootDocument) => {
      const [key] = d.keys.values();
      for (let i = 0; i <= LIMITS.rootKeys; i++) if (key !== undefined) d.keys.set(`k${i}`, key);
    };
    expect(await reasonOf(() => root(many))).toBe('limit');
  });

  it('more keyids in a role than the limit', async () => {
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
  ['an upper-case digest', { version: 1, hashes: { sha256: 'A'.repeat(64) } }],
  ['a digest that is a number', { version: 1, hashes: { sha256: 1 } }],
  ['an unknown digest that is a number', { version: 1, hashes: { sha256: SHA256, md5: 1 } }],
];

describe('timestamp', () => {
  it('what it says of the snapshot', () => {
    const { snapshot: file } = timestamp();
    expect(file).toMatchObject({ version: 1, length: expect.any(Number) });
    expect([...(file.digests?.keys() ?? [])]).toEqual(['sha256']);
  });

  it('other entries are left alone, whatever they are', () => {
    expect(timestamp((d) => put(d.meta, 'root.json', null)).snapshot.version).toBe(1);
  });

  it.each(wrongMeta)('%s is refused', async (_, meta) => {
    expect(await reasonOf(() => timestamp((d) => put(d.meta, 'snapshot.json', meta)))).toBe('format');
  });

  it('digests of unknown algorithms alone prove nothing', async () => {
    const hashes = new Map([['md5', 'a'.repeat(32)]]);
    expect(await reasonOf(() => timestamp((d) => d.meta.set('snapshot.json', { version: 1, hashes })))).toBe(
      'algorithm',
    );
  });

  it.each<[string, Change<MetaDocument>]>([
    ['no meta', set({ meta: undefined })],
    ['meta as a list', set({ meta: [] })],
    ['no snapshot in it', (d) => d.meta.delete('snapshot.json')],
  ])('%s is refused', async (_, change) => {
    expect(await reasonOf(() => timestamp(change))).toBe('format');
  });
});

describe('snapshot', () => {
  it.each(wrongMeta)('%s of any role is refused', async (_, meta) => {
    expect(await reasonOf(() => snapshot((d) => put(d.meta, 'first.json', meta)))).toBe('format');
  });

  it('meta as a list is refused', async () => {
    expect(await reasonOf(() => snapshot(set({ meta: [] })))).toBe('format');
  });

  it('entries that nobody delegates to, and odd names, are only entries', () => {
    const decoded = snapshot((d) => {
      for (const name of ['root.json', 'rekor.json', '__proto__', '../x', 'rotate/a.rotate.1', ''])
        d.meta.set(name, { version: 3 });
    });
    expect(decoded.meta.get('__proto__')?.version).toBe(3);
    expect(decoded.meta.get('constructor')).toBeUndefined();
  });
});
