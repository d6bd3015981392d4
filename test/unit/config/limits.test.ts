import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX_NAME_RULE } from '../../../src/bytes/index-name.ts';
import { ConfigRefusal } from '../../../src/config/faults.ts';
import { loadConfig } from '../../../src/config/load.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verbatim-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

type Tree = Readonly<Record<string, unknown>>;

/** A configuration with one index, and with this value at that place. */
function configured(path: string, value: unknown, beside: Tree = {}): Tree {
  const main = { upstream: 'https://index.example/', root: 'root.json' };
  return put({ indexes: { main }, ...beside }, path.split('.'), value);
}

function put(tree: Tree, [first = '', ...rest]: readonly string[], value: unknown): Tree {
  const inner = tree[first];
  return { ...tree, [first]: rest.length === 0 ? value : put(isTree(inner) ? inner : {}, rest, value) };
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultsOf(tree: Tree): readonly string[] {
  const path = join(directory, 'verbatim.yaml');
  // YAML takes JSON.
  writeFileSync(path, JSON.stringify(tree));
  try {
    loadConfig({ file: path, env: {} });
  } catch (error) {
    if (error instanceof ConfigRefusal) return error.faults.map(({ where, what }) => `${where}: ${what}`);
    throw error;
  }
  return [];
}

const many = (count: number, of: unknown) => Array.from({ length: count }, () => of);
const main = (key: string) => `indexes.main.${key}`;
const sealed = { seal_key_file: 'key' };
const asking: Tree = { server: { auth: { htpasswd: 'users' } } };
/** An index that bundles bring. */
const imports: Tree = { indexes: { main: { root: 'root.json' } } };

/** A key; the most or the least that it takes; what lies just outside. */
const LIMITS: readonly (readonly [path: string, taken: unknown, refused: unknown, beside?: Tree])[] = [
  ['server.port', 0, -1],
  ['server.port', 65_535, 65_536],
  ['server.trusted_proxies', many(64, '10.0.0.0/8'), many(65, '10.0.0.0/8')],
  ['server.workers', 1, 0],
  ['server.workers', 64, 65],
  ['server.max_connections', 1, 0],
  ['server.max_connections', 100_000, 100_001],
  ['pages.auditors', many(64, 'ann'), many(65, 'ann'), asking],
  ['pages.auditors', ['a'], [''], asking],
  ['pages.auditors', ['a'.repeat(200)], ['a'.repeat(201)], asking],
  ['server.host', 'a'.repeat(253), 'a'.repeat(254)],
  ['server.host', 'a.example', 'a.example/'],
  [
    'server.tls',
    { cert: 'c', key: 'k', ciphers: 'A'.repeat(2000) },
    { cert: 'c', key: 'k', ciphers: 'A'.repeat(2001) },
  ],
  ['server.tls', { cert: 'c', key: 'k', ciphers: 'ECDHE+AESGCM' }, { cert: 'c', key: 'k', ciphers: 'ECDHE AESGCM' }],
  ['server.tls', { cert: 'c', key: 'k', warn_days: 0 }, { cert: 'c', key: 'k', warn_days: -1 }],
  ['server.tls', { cert: 'c', key: 'k', warn_days: 365 }, { cert: 'c', key: 'k', warn_days: 366 }],
  ['server.public_url', 'https://mirror.example/', 'mirror'],
  ['server.public_url', 'https://mirror.example/', 'https://mirror.example/#top'],
  ['server.public_url', 'https://mirror.example/', 'https://mirror.example/?a=b'],
  ['contact', 'a'.repeat(200), 'a'.repeat(201)],
  ['limits.fills', 1, 0],
  ['limits.fills', 1024, 1025],
  ['limits.upstream_connections', 1, 0],
  ['limits.upstream_connections', 1024, 1025],
  ['cache.project_bytes', 64 * 2 ** 20, 64 * 2 ** 20 + 1],
  ['blobs.store', `s3://bucket/${'a'.repeat(2036)}`, `s3://bucket/${'a'.repeat(2037)}`],
  ['blobs.store', 's3://bucket/a?region=b', 's3://bucket/a#region=b'],
  ['blobs.profile', 'a'.repeat(128), 'a'.repeat(129)],
  ['blobs.profile', 'a@b', 'a b'],
  ['fleet', { state: 's3://bucket/a' }, { state: 'https://bucket/a' }, sealed],
  ['cache.scrub_days', 0, -1],
  ['cache.scrub_days', 3650, 3651],
  ['cache.scrub_bytes_per_second', 1, 0],
  ['fleet', { peers: ['https://replica.example'] }, {}, sealed],
  ['fleet.peers', ['http://replica.example:3141'], ['http://replica.example:3141/'], sealed],
  ['fleet.peers', ['http://[::1]:3141'], ['http://replica.example:99999'], sealed],
  ['fleet.peers', ['http://10.0.0.1:3141'], ['http://user@replica.example:3141'], sealed],
  ['fleet.peers', ['http://10.0.0.1:3141'], ['redis://10.0.0.1:3141'], sealed],
  ['fleet.peers', many(16, 'http://10.0.0.1'), many(17, 'http://10.0.0.1'), sealed],
  ['fleet.peers', [`http://${'a'.repeat(293)}`], [`http://${'a'.repeat(294)}`], sealed],
  ['fleet', undefined, { peers: ['http://10.0.0.1'] }],
  ['blobs.store', undefined, 's3://bucket/a', { ...sealed, fleet: { peers: ['http://10.0.0.1'] } }],
  ['seal_key_env', undefined, 'KEY', sealed],
  ['seal_epoch_file', undefined, 'epoch'],
  ['fleet', undefined, { state: 's3://bucket/a' }],
  [main('upstream'), 'https://index.example/', 'https://index.example/#a'],
  [main('layout'), { metadata: 'a/' }, { metadata: '/a/' }],
  [main('layout'), { metadata: 'a/' }, { metadata: '../a/' }],
  [main('layout'), { pages: { base: 'a/', target: 'a' } }, { pages: { base: 'a/', target: '' } }],
  [
    main('layout'),
    { pages: { base: 'a/', target: 'a'.repeat(512) } },
    { pages: { base: 'a/', target: 'a'.repeat(513) } },
  ],
  [main('file_hosts'), many(64, 'a.example'), many(65, 'a.example')],
  [main('file_hosts'), ['a'.repeat(267)], ['a'.repeat(268)]],
  [main('private_hosts'), many(64, 'a.example'), many(65, 'a.example')],
  [main('kind'), undefined, 'devpi'],
  [main('stale_if_error'), 0, -1],
  [main('absent.statuses'), many(4, 403), many(5, 403)],
  [main('absent.known'), 'a'.repeat(200), 'a'.repeat(201)],
  [main('absent.known'), 'a-b', 'a_b'],
  [main('look_ahead.depth'), 0, -1],
  [main('look_ahead.depth'), 8, 9],
  [main('look_ahead.requests'), 1, 0],
  [main('look_ahead.requests'), 100_000, 100_001],
  [main('credentials'), { password_env: 'A_B' }, { password_env: 'A-B' }],
  [main('credentials'), { password_command: ['a'] }, { password_command: [] }],
  [main('credentials'), { password_command: many(64, 'a') }, { password_command: many(65, 'a') }],
  [main('credentials'), { password_command: ['a'] }, { password_command: [''] }],
  [main('credentials'), { password_command: ['a'.repeat(4096)] }, { password_command: ['a'.repeat(4097)] }],
  [
    main('credentials'),
    { username: 'a'.repeat(256), password_env: 'A' },
    { username: 'a'.repeat(257), password_env: 'A' },
  ],
  [
    main('credentials'),
    { password_env: 'A', scopes: many(16, 'https://a.example/') },
    { password_env: 'A', scopes: many(17, 'https://a.example/') },
  ],
  [main('credentials'), { password_env: 'A', scopes: ['https://a.example/'] }, { password_env: 'A', scopes: [] }],
  [main('proxy'), proxyAs('a'), proxyAs('')],
  [main('proxy'), proxyAs('a'.repeat(256)), proxyAs('a'.repeat(257))],
  ['redis', redisAt({}), { username: 'a' }],
  ['redis', redisAt({}), redisAt({ cluster: ['a:1'] })],
  ['redis', redisAt({ username: 'a' }), redisAt({ username: '' })],
  ['redis', redisAt({ username: 'a'.repeat(256) }), redisAt({ username: 'a'.repeat(257) })],
  ['redis', redisAt({ password_env: 'A' }), redisAt({ password_env: 'A', password_file: 'a' })],
  ['redis', redisAt({ prefix: 'a.b' }), redisAt({ prefix: 'a:b' })],
  ['redis', redisAt({}), redisAt({ database: 1 })],
  ['redis', { url: 'rediss://a.example/', tls: {} }, { url: 'redis://a.example/', tls: {} }],
  ['redis', redisAt({}), { url: 'a b' }],
  ['redis', redisAt({}), { url: 'https://a.example/' }],
  ['redis', redisAt({}), { url: 'redis:///1' }],
  ['redis', redisAt({}), { url: 'redis://user@a.example/' }],
  ['redis', redisAt({}), { url: 'redis://:word@a.example/' }],
  ['redis', redisAt({}), { url: 'redis://a.example/?a=b' }],
  ['redis', redisAt({}), { url: 'redis://a.example/#a' }],
  ['redis', { url: 'redis://a.example/999' }, { url: 'redis://a.example/1000' }],
  ['redis.sentinel', sentinels({ nodes: ['a:1'] }), sentinels({ nodes: [] })],
  ['redis.sentinel', sentinels({ nodes: many(32, 'a:1') }), sentinels({ nodes: many(33, 'a:1') })],
  ['redis.sentinel', sentinels({ nodes: ['a:1'] }), sentinels({ nodes: ['a'] })],
  ['redis.sentinel', sentinels({ nodes: [`${'a'.repeat(298)}:1`] }), sentinels({ nodes: [`${'a'.repeat(299)}:1`] })],
  ['redis.sentinel', sentinels({ master: 'a' }), sentinels({ master: '' })],
  ['redis.sentinel', sentinels({ master: 'a'.repeat(200) }), sentinels({ master: 'a'.repeat(201) })],
  ['redis.sentinel', sentinels({ password_env: 'A' }), sentinels({ password_env: 'A', password_file: 'a' })],
  ['redis', { sentinel: sentinels({}), database: 0 }, { sentinel: sentinels({}), database: -1 }],
  ['redis', { sentinel: sentinels({}), database: 999 }, { sentinel: sentinels({}), database: 1000 }],
  ['redis.cluster', ['a:1'], []],
  ['redis.cluster', many(64, 'a:1'), many(65, 'a:1')],
  [main('import'), { keys: [signer()] }, undefined, imports],
  [main('import'), undefined, { keys: [signer()] }],
  ['indexes.main', unsigned([signer()]), unsigned([])],
  [main('import'), { keys: [signer({ name: 'a'.repeat(64) })] }, { keys: [signer({ name: 'a'.repeat(65) })] }, imports],
  [main('import'), { keys: [signer({ name: 'a.b' })] }, { keys: [signer({ name: 'a b' })] }, imports],
  [main('import'), { keys: [signer()] }, { keys: [signer({ ed25519: 'a'.repeat(63) })] }, imports],
  [main('import'), { keys: [signer()] }, { keys: [signer({ ed25519_file: 'key.pub' })] }, imports],
  [main('import'), { keys: [{ name: 'a', ed25519_file: 'key.pub' }] }, { keys: [{ name: 'a' }] }, imports],
  [main('import'), { keys: [signer(), signer({ name: 'b' })] }, { keys: [signer(), signer()] }, imports],
  [main('import'), { keys: signers(16) }, { keys: signers(17) }, imports],
  [main('import'), { max_age: 1 }, { max_age: 0 }, imports],
  [main('import'), { max_age: 36_500 }, { max_age: 36_501 }, imports],
  [main('import'), { generations: 1 }, { generations: 0 }, imports],
  [main('import'), { generations: 1000 }, { generations: 1001 }, imports],
  ...['scan', 'scan_version'].flatMap((program): typeof LIMITS => [
    [main('import'), { [program]: ['a'] }, { [program]: [] }, imports],
    [main('import'), { [program]: many(64, 'a') }, { [program]: many(65, 'a') }, imports],
    [main('import'), { [program]: ['a'] }, { [program]: [''] }, imports],
    [main('import'), { [program]: ['a'.repeat(4096)] }, { [program]: ['a'.repeat(4097)] }, imports],
  ]),
  [main('import'), { scan_timeout: 1 }, { scan_timeout: 0 }, imports],
  [main('import'), { scan_timeout: 86_400 }, { scan_timeout: 86_401 }, imports],
  ['sync.hold_days', 0, -1],
  ['sync.hold_days', 36_500, 36_501],
  ['sync.jobs', { a_b: {} }, { 'a.b': {} }],
  ['sync.jobs', { ['a'.repeat(40)]: {} }, { ['a'.repeat(41)]: {} }],
  [job('projects'), many(10_000, 'a'), many(10_001, 'a')],
  [job('blocklist'), ['a'.repeat(1000)], ['a'.repeat(1001)]],
  [job('blocklist'), ['a'], ['']],
  [job('requirements'), many(256, 'a'), many(257, 'a')],
  [job('schedule'), `${'0,'.repeat(95)}10 3 * * *`, `${'0,'.repeat(94)}10,10 3 * * *`],
  [job('index'), 'main', 'Main'],
  [job('jitter'), 0, -1],
  [job('jitter'), 86_400, 86_401],
  [job('environments'), many(64, 'here'), many(65, 'here'), { sync: { environments: { here: environment({}) } } }],
  [job('latest_release'), 1, 0],
  [job('latest_release'), 10_000, 10_001],
  [job('exclude_platforms'), many(64, 'linux'), many(65, 'linux')],
  [job('exclude_platforms'), ['a'.repeat(20)], ['a'.repeat(21)]],
  [job('parallel'), 1, 0],
  [job('parallel'), 64, 65],
  ['sync.environments.here', environment({ python: '3.13t' }), environment({ python: '3' })],
  ['sync.environments.here', environment({ platform: 'win_amd64' }), environment({ platform: 'win-amd64' })],
  ['sync.environments.here', environment({ platform: 'a'.repeat(60) }), environment({ platform: 'a'.repeat(61) })],
];

/** An index that signs nothing, and is brought by bundles. */
function unsigned(keys: readonly Tree[]): Tree {
  return { evidence: 'index', import: { keys } };
}

function signer(more: Tree = {}): Tree {
  return { name: 'a', ed25519: 'a'.repeat(64), ...more };
}

function signers(count: number): readonly Tree[] {
  return Array.from({ length: count }, (_, at) => signer({ name: `a${at}` }));
}

function job(key: string): string {
  return `sync.jobs.nightly.${key}`;
}

function environment(more: Tree): Tree {
  return { python: '3.12', platform: 'linux', ...more };
}

function proxyAs(username: string): Tree {
  return { url: 'http://proxy.example/', username, password_env: 'A' };
}

function redisAt(more: Tree): Tree {
  return { url: 'redis://a.example/', ...more };
}

function sentinels(more: Tree): Tree {
  return { nodes: ['a:1'], master: 'a', ...more };
}

/** As it stands in a line of results. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text;
}

describe('the limits of a configuration', () => {
  it.each(LIMITS.map((row) => [row[0], shown(row[1]), shown(row[2]), row] as const))(
    '%s takes %s, and not %s',
    (path, _taken, _refused, [, taken, refused, beside]) => {
      expect(faultsOf(configured(path, taken, beside))).toEqual([]);
      expect(faultsOf(configured(path, refused, beside))).not.toEqual([]);
    },
  );

  it('says of a job whose index can be no name which names there are', () => {
    expect(faultsOf(configured(job('index'), 'Main'))).toContain(`${job('index')}: ${INDEX_NAME_RULE}`);
  });

  it('faults a list where a URL belongs once, and not what stands in it', () => {
    expect(faultsOf(configured('indexes.main.upstream', ['http://index.example/']))).toEqual([
      expect.stringMatching(/^indexes\.main\.upstream: /),
    ]);
  });
});
