import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigRefusal } from '../../../src/config/faults.ts';
import { INSECURE_INDEX, INSECURE_UPSTREAM } from '../../../src/config/index-schema.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { RESERVED_NAMES } from '../../../src/config/schema.ts';
import { TIMEOUTS } from '../../support/timeouts.ts';

const simple = { upstream: 'https://index.example', root: 'root.json' };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verbatim-config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(directory, 'verbatim.yaml');
  writeFileSync(path, text);
  return path;
}

function wheres(load: () => unknown): readonly string[] {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigRefusal) return error.faults.map(({ where }) => where);
    throw error;
  }
  return [];
}

const main = (lines: string) =>
  `indexes:\n  main:\n    upstream: https://index.example/\n    root: root.json\n${lines}`;

describe('the simple case', () => {
  it('needs an upstream and a root, and defaults the rest', () => {
    const config = loadConfig({ env: {}, flags: simple });
    expect(config.server).toEqual({
      host: '127.0.0.1',
      port: 3141,
      publicUrl: undefined,
      links: 'relative',
      maxConnections: 4096,
      workers: 1,
      grace: 30,
      drain: 0,
      trustedProxies: [],
    });
    expect(config.data).toBe(resolve('verbatim-data'));
    expect(config.cache).toEqual({
      maxBytes: 10e9,
      stateBytes: 16e9,
      projectBytes: 64 * 2 ** 20,
      journalBytes: 128 * 2 ** 20,
      accessBytes: 128 * 2 ** 20,
      accessAddresses: 'whole',
      memoryBytes: 192 * 2 ** 20,
      warnFreeBytes: 1e9,
      scrubDays: 30,
    });
    expect(config.indexes['main']).toEqual({
      name: 'main',
      upstream: 'https://index.example/',
      evidence: 'tuf',
      root: resolve('root.json'),
      layout: 'pep458',
      metadataUrl: undefined,
      pagesUrl: undefined,
      filesUrl: undefined,
      fileHosts: [],
      refresh: 60,
      reuploads: false,
      removed: 'refuse',
      trace: false,
      absent: { statuses: [], redirectElsewhere: false },
      insecureUpstream: false,
      privateHosts: [],
      timeouts: TIMEOUTS,
      lookAhead: { depth: 3, requests: 600, bytes: 64_000_000, largestWheel: 0 },
    });
  });

  it('follows no requirements of an index that knows who asks, or hands on what it lacks, unless it is told to', () => {
    const depthOf = (main: object) => {
      const text = JSON.stringify({
        indexes: { main: { evidence: 'index', upstream: 'https://x.example/', ...main } },
      });
      return loadConfig({ env: {}, file: file(text) }).indexes['main']?.lookAhead?.depth;
    };
    const credentials = { username: 'me', password_env: 'TOKEN' };
    expect([{}, { credentials }, { kind: 'gitlab' }, { client_cert: 'c', client_key: 'k' }].map(depthOf)).toEqual([
      3, 0, 0, 0,
    ]);
    expect(depthOf({ credentials, look_ahead: { depth: 2 } })).toBe(2);
    expect(depthOf({ look_ahead: { enabled: false, depth: 2 } })).toBeUndefined();
  });

  it('believes files without a digest at first sight, but of PyPI, which states one of each', () => {
    const of = (main: object) =>
      loadConfig({ env: {}, file: file(JSON.stringify({ indexes: { main: { evidence: 'index', ...main } } })) });
    expect(of({ upstream: 'https://index.example/simple/' }).indexes['main']).toMatchObject({
      undigested: 'first-sight',
      secondFetchUpTo: 64_000_000,
    });
    expect(of({ upstream: 'https://pypi.org/simple/' }).indexes['main']).toMatchObject({ undigested: 'withhold' });
    expect(() => of({ upstream: 'https://pypi.org/simple/', undigested: 'first-sight' })).toThrow(
      /undigested.*withhold/,
    );
  });

  it('mirrors PyPI where nothing is given', () => {
    const config = loadConfig({ env: {} });
    expect(config.server).toMatchObject({ host: '127.0.0.1', port: 3141 });
    expect(config.indexes).toEqual({
      main: {
        name: 'main',
        upstream: 'https://pypi.org/simple/',
        evidence: 'index',
        kind: 'pypi',
        fileHosts: ['files.pythonhosted.org'],
        insecureUpstream: false,
        maxAge: 600,
        staleIfError: 30 * 86_400,
        contentAddressed: true,
        projectList: true,
        undigested: 'withhold',
        secondFetchUpTo: 64_000_000,
        provenance: { mode: 'report', projects: {}, publishers: {}, gitlab: [] },
        reuploads: false,
        removed: 'refuse',
        trace: false,
        absent: { statuses: [], redirectElsewhere: false },
        privateHosts: [],
        timeouts: TIMEOUTS,
        lookAhead: { depth: 3, requests: 600, bytes: 64_000_000, largestWheel: 0 },
      },
    });
  });

  it.each([
    [
      { upstream: 'https://index.example/whl/cpu/', kind: 'pytorch' },
      { kind: 'pytorch', absent: { statuses: [403], redirectElsewhere: false, known: 'torch' } },
    ],
    [
      { upstream: 'https://gitlab.com/x/simple/' },
      { kind: 'gitlab', absent: { statuses: [], redirectElsewhere: true } },
    ],
    [
      { upstream: 'https://pypi.org/simple/', kind: 'static' },
      { kind: 'static', contentAddressed: false, fileHosts: [] },
    ],
    [
      { upstream: 'https://x.example/', kind: 'azure', fileHost: ['a.example'] },
      { fileHosts: ['*.blob.core.windows.net', '*.vsblob.vsassets.io', 'a.example'] },
    ],
  ])('takes from a kind of index what was not said: %j', (flags, expected) => {
    expect(loadConfig({ env: {}, flags }).indexes['main']).toMatchObject(expected);
  });

  it('mirrors PyPI also where only something beside it is given', () => {
    const flags = { maxAge: 5, fileHost: ['files.example'], port: 0 };
    expect(loadConfig({ env: {}, flags }).indexes['main']).toMatchObject({
      upstream: 'https://pypi.org/simple/',
      maxAge: 5,
      fileHosts: ['files.pythonhosted.org', 'files.example'],
    });
    expect(loadConfig({ file: file('server: { port: 1 }\n'), env: {} }).indexes['main']?.evidence).toBe('index');
  });

  it('does not mirror PyPI where some other index was meant', () => {
    expect(wheres(() => loadConfig({ env: {}, flags: { root: 'root.json' } }))).toEqual(['indexes.main.upstream']);
    expect(wheres(() => loadConfig({ file: file('indexes: { main: { max_age: 5 } }\n'), env: {} }))).toContain(
      'indexes.main.upstream',
    );
  });

  it('lets commands do without an index that need none', () => {
    expect(Object.keys(loadConfig({ env: {}, withoutIndexes: true }).indexes)).toEqual([]);
  });

  it('is frozen all the way down', () => {
    const config = loadConfig({ env: {}, flags: simple });
    expect(Object.isFrozen(config.indexes)).toBe(true);
    expect(Object.isFrozen(config.indexes['main']?.fileHosts)).toBe(true);
  });
});

describe('file < environment < flag', () => {
  it('takes the strongest', () => {
    const path = file(main('server: { port: 1, host: 10.0.0.1 }\ndata: from-file\n'));
    const env = { VERBATIM_PORT: '2', VERBATIM_DATA: 'from-environment' };
    const config = loadConfig({ file: path, env, flags: { port: '3' } });
    expect(config.server.host).toBe('10.0.0.1');
    expect(config.data).toBe(resolve('from-environment'));
    expect(config.server.port).toBe(3);
  });

  it('finds paths of a file beside that file', () => {
    const config = loadConfig({ file: file(main('data: store\n')), env: {} });
    expect(config.data).toBe(join(directory, 'store'));
    expect(config.indexes['main']).toMatchObject({ root: join(directory, 'root.json') });
  });

  it('takes the file itself from VERBATIM_CONFIG', () => {
    expect(loadConfig({ env: { VERBATIM_CONFIG: file(main('')) } }).indexes['main']?.name).toBe('main');
  });

  it('reads lists from a variable by commas and from a flag as given', () => {
    const env = { VERBATIM_FILE_HOST: 'a.example, b.example:8443' };
    expect(loadConfig({ env, flags: simple }).indexes['main']?.fileHosts).toEqual(['a.example', 'b.example:8443']);
    expect(loadConfig({ env, flags: { ...simple, fileHost: ['c.example'] } }).indexes['main']?.fileHosts).toEqual([
      'c.example',
    ]);
  });

  it('ignores what Kubernetes injects beside a service called verbatim', () => {
    const env = {
      VERBATIM_PORT: 'tcp://10.0.0.1:80',
      VERBATIM_PORT_80_TCP_ADDR: '10.0.0.1',
      VERBATIM_SERVICE_HOST: '10.0.0.1',
    };
    expect(loadConfig({ env, flags: simple }).server.port).toBe(3141);
  });
});

describe('faults', () => {
  it('reports every one at once, with its key path', () => {
    const path = file(
      'server: { port: 70000, hots: x }\ncache: { max_bytes: lots }\nindexes:\n  main: { upstream: "ftp://x/", root: "" }\n  Simple: { upstream: "http://plain.example/", root: r }\n',
    );
    expect(wheres(() => loadConfig({ file: path, env: { VERBATIM_PROT: '1' } })).toSorted()).toEqual([
      'VERBATIM_PROT',
      'cache.max_bytes',
      'indexes.Simple',
      'indexes.Simple.upstream',
      'indexes.main.root',
      'indexes.main.upstream',
      'server.hots',
      'server.port',
    ]);
  });

  it('names the flag or the variable a value came from', () => {
    const load = () => loadConfig({ env: { VERBATIM_LAYOUT: 'warehouse' }, flags: { ...simple, port: 'many' } });
    expect(wheres(load)).toEqual(['server.port (--port)', 'indexes.main.layout (VERBATIM_LAYOUT)']);
  });

  it('tells in the docs which names no index can have', async () => {
    const docs = await readFile(new URL('../../../docs/upgrade-and-backup.md', import.meta.url), 'utf8');
    const told = /\*\*Names that no index can have\*\*(.*?)\n\n/s.exec(docs)?.[1] ?? '';
    expect(new Set([...told.matchAll(/`([a-z0-9]+)`/g)].map(([, name]) => name))).toEqual(RESERVED_NAMES);
  });

  it.each([...RESERVED_NAMES, 'Main', '-main', '+simple', 'a/b', 'a b'])('refuses the index name %s', (name) => {
    const path = file(`indexes:\n  "${name}": { upstream: "https://x.example/", root: r }\n`);
    expect(wheres(() => loadConfig({ file: path, env: {} }))).toEqual([`indexes.${name}`]);
  });

  it('says why an index may not be called what has become a page', () => {
    const path = file('indexes:\n  events: { upstream: "https://x.example/", root: r }\n');
    expect(() => loadConfig({ file: path, env: {} })).toThrow(/\/events means something else on every mirror/);
  });

  it('refuses the key __proto__, which a plain object would swallow', () => {
    const path = file('indexes:\n  __proto__: { upstream: "https://x.example/", root: r }\n');
    expect(wheres(() => loadConfig({ file: path, env: {}, flags: simple }))).toEqual([path]);
  });

  it('takes an index named like a member of every object', () => {
    const path = file('indexes:\n  constructor: { upstream: "https://x.example/", root: r }\n');
    const { indexes } = loadConfig({ file: path, env: {} });
    expect(Object.keys(indexes)).toEqual(['constructor']);
    expect(indexes['tostring']).toBeUndefined();
  });

  it.each([
    'evidence: none',
    'refresh: 0',
    'refresh: 1.5',
    'layout: warehouse',
    'reuploads: "no"',
    'removed: hide',
    'file_hosts: ["https://x.example/"]',
    'file_hosts: ["http://x.example"]',
    'file_hosts: ["X.example"]',
    'file_hosts: [".x.example"]',
    'file_hosts: ["a..example"]',
    'file_hosts: ["*.example"]',
    'file_hosts: ["*"]',
    'file_hosts: ["a.*.example"]',
    'metadata_url: https://x.example/?a=1',
    'pages_url: https://user:secret@x.example/',
    'files_url: file:///etc',
  ])('refuses %s', (line) => {
    const key = line.split(':')[0];
    const found = wheres(() => loadConfig({ file: file(main(`    ${line}\n`)), env: {} }));
    expect(found.map((where) => where.split('.').slice(0, 3).join('.'))).toEqual([`indexes.main.${key}`]);
  });

  it('knows auditors by the names of users, and refuses them where there are none', () => {
    const load = (server: string) =>
      loadConfig({ file: file(`${server}pages: { auditors: [ann] }\n${main('')}`), env: {} });
    expect(wheres(() => load(''))).toEqual(['pages.auditors']);
    expect(wheres(() => load('server: { auth: { tokens: t } }\n'))).toEqual(['pages.auditors']);
    expect(load('server: { auth: { htpasswd: users } }\n').pages?.auditors).toEqual(['ann']);
  });

  it('refuses to serve what was removed where nothing is remembered of it, or bundles say what there is', () => {
    const wheresOf = (index: object) => {
      const text = JSON.stringify({ indexes: { main: { evidence: 'index', removed: 'serve', ...index } } });
      return wheres(() => loadConfig({ file: file(text), env: {} }));
    };
    const upstream = 'https://x.example/';
    expect(wheresOf({ upstream, reuploads: true })).toEqual(['indexes.main.removed']);
    expect(wheresOf({ import: { keys: [{ name: 'a', ed25519: 'a'.repeat(64) }] } })).toEqual(['indexes.main.removed']);
    expect(loadConfig({ file: file(main('    removed: serve\n')), env: {} }).indexes['main']?.removed).toBe('serve');
  });

  it.each(['server: { links: absolute }', 'contact: "me (you)"', 'contact: "a\\nb"'])('refuses %s', (line) => {
    const where = line.startsWith('server') ? 'server.links' : 'contact';
    expect(wheres(() => loadConfig({ file: file(`${line}\n${main('')}`), env: {} }))).toEqual([where]);
  });

  it('says where a token goes that was given in a URL', () => {
    for (const upstream of ['https://user:hunter2@x.example/', 'https://x.example/?token=hunter2']) {
      const load = () => loadConfig({ env: {}, flags: { ...simple, upstream } });
      expect(load).toThrow('password_file');
      expect(load).not.toThrow(/hunter2/);
    }
  });

  it.each([
    '{ username: me }',
    '{ password_file: a, password_command: [b] }',
    '{ password_command: "a b" }',
    '{ password_command: [] }',
  ])('refuses the credentials %s', (credentials) => {
    const load = () => loadConfig({ file: file(main(`    credentials: ${credentials}\n`)), env: {} });
    expect(load).toThrow('credentials');
  });

  it('takes client certificates in pairs', () => {
    const wrong = () => loadConfig({ file: file(main('    client_cert: a.pem\n')), env: {} });
    expect(wheres(wrong)).toEqual(['indexes.main.client_cert']);
  });

  it('takes a command for a password, with its lifetime', () => {
    const config = loadConfig({ file: file(main('    credentials: { password_command: [get, token] }\n')), env: {} });
    expect(config.indexes['main']?.credentials?.password).toEqual({ command: ['get', 'token'], lifetime: 3600 });
  });

  it('does not repeat a secret it was given by mistake', () => {
    const load = () => loadConfig({ env: {}, flags: { ...simple, upstream: 'https://user:hunter2@x.example/' } });
    expect(load).toThrow(ConfigRefusal);
    expect(load).not.toThrow(/hunter2/);
  });

  it.each(['2026-02-30T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00+00:00', 'now'])(
    'refuses the reference time %s',
    (referenceTime) => {
      expect(wheres(() => loadConfig({ env: {}, flags: { ...simple, referenceTime } }))).toEqual([
        'reference_time (--reference-time)',
      ]);
    },
  );

  it('reads a reference time as seconds', () => {
    const config = loadConfig({ env: {}, flags: { ...simple, referenceTime: '2026-11-21T14:00:00Z' } });
    expect(config.referenceTime).toBe(Date.UTC(2026, 10, 21, 14) / 1000);
  });

  it.each(['a: [', 'a: 1\na: 2', '- list', 'indexes: &a { x: *a }', 'text'])(
    'refuses a file that is not keys and values: %j',
    (text) => {
      expect(() => loadConfig({ file: file(text), env: {} })).toThrow(ConfigRefusal);
    },
  );

  it('refuses a file that is not there, by its name', () => {
    const path = join(directory, 'absent.yaml');
    expect(wheres(() => loadConfig({ file: path, env: {}, flags: simple }))).toEqual([path]);
  });
});

describe('an index that signs nothing', () => {
  const upstream = 'https://index.example/simple';

  it('is what --upstream alone means', () => {
    expect(loadConfig({ env: {}, flags: { upstream, maxAge: '30' } }).indexes['main']).toMatchObject({
      upstream: `${upstream}/`,
      evidence: 'index',
      maxAge: 30,
      contentAddressed: false,
      fileHosts: [],
    });
    expect(loadConfig({ env: { VERBATIM_UPSTREAM: upstream } }).indexes['main']?.evidence).toBe('index');
  });

  it.each([{ layout: 'pep458' }, { metadataUrl: 'https://x.example/' }, { pagesUrl: 'https://x.example/' }])(
    'is not meant by somebody who says %j as well: the root is missing',
    (flags) =>
      expect(wheres(() => loadConfig({ env: {}, flags: { upstream, ...flags } }))).toEqual(['indexes.main.root']),
  );

  it('must be said by a file, lest a forgotten root pass for it', () => {
    const path = (lines: string) => file(`indexes:\n  main:\n    upstream: ${upstream}\n${lines}`);
    expect(wheres(() => loadConfig({ file: path(''), env: {} }))).toEqual(['indexes.main.root']);
    expect(wheres(() => loadConfig({ file: path('    evidence: tuf\n'), env: {} }))).toEqual(['indexes.main.root']);
    expect(loadConfig({ file: path('    evidence: index\n'), env: {} }).indexes['main']?.evidence).toBe('index');
    const both = path('    evidence: index\n    root: root.json\n');
    expect(wheres(() => loadConfig({ file: both, env: {} }))).toEqual(['indexes.main.root']);
  });

  it('knows where PyPI keeps its files, under any name it is given', () => {
    const path = file(
      'indexes:\n  pub: { upstream: "https://pypi.org/simple/", evidence: index, file_hosts: [a.example] }\n',
    );
    expect(loadConfig({ file: path, env: {} }).indexes['pub']).toMatchObject({
      fileHosts: ['files.pythonhosted.org', 'a.example'],
      contentAddressed: true,
    });
  });
});

describe('how long an upstream is waited for', () => {
  const index = (timeouts: string) =>
    file(
      `indexes:\n  main:\n    upstream: https://i.example/simple/\n    evidence: index\n    timeouts: ${timeouts}\n`,
    );

  it('is said wait by wait; what is not said stays as it is', () => {
    const path = index('{ first_byte: 45, slowest: 512 B, slowest_over: 120 }');
    expect(loadConfig({ file: path, env: {} }).indexes['main']?.timeouts).toEqual({
      ...TIMEOUTS,
      firstByte: 45,
      slowest: 512,
      slowestOver: 120,
    });
  });

  it.each(['{ connect: 0 }', '{ first_byte: 3601 }', '{ page: 1.5 }', '{ slowest: slow }', '{ conect: 5 }', '30'])(
    'refuses %s',
    (timeouts) => {
      const found = wheres(() => loadConfig({ file: index(timeouts), env: {} }));
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(/^indexes\.main\.timeouts/);
    },
  );
});

describe('how long it is remembered who was sent what', () => {
  it.each([0, 36_501, 1.5])('cannot be %s days', (days) => {
    const file = join(directory, 'days.yaml');
    writeFileSync(
      file,
      `cache: { access_days: ${days} }\nindexes: { main: { upstream: 'https://index.example/simple/' } }\n`,
    );
    expect(() => loadConfig({ file, env: {} })).toThrow('access_days');
  });
});

describe('access, here and upstream', () => {
  const index = (lines: string) =>
    file(`indexes:\n  main:\n    upstream: https://i.example/pypi/+simple/\n    evidence: index\n${lines}`);

  it('takes secrets from files beside the file, or from variables', () => {
    const path = index(
      '    credentials: { password_file: secret }\n    proxy: { url: "http://proxy:3128", username: me, password_env: VERBATIM_PROXY_SECRET }\n    ca: ca.pem\n    private_hosts: [i.internal]\n',
    );
    const env = { VERBATIM_PROXY_SECRET: 'hunter2' };
    const config = loadConfig({ file: path, env });
    expect(config.indexes['main']).toMatchObject({
      credentials: {
        username: '__token__',
        password: { file: join(directory, 'secret'), variable: undefined },
        scopes: ['https://i.example/pypi/'],
      },
      proxy: { url: 'http://proxy:3128/', login: { username: 'me', password: { variable: 'VERBATIM_PROXY_SECRET' } } },
      ca: join(directory, 'ca.pem'),
      privateHosts: ['i.internal'],
    });
    expect(JSON.stringify(config)).not.toContain('hunter2');
  });

  it.each([
    ['credentials', '{ username: me }'],
    ['credentials', '{ password_file: a, password_env: A }'],
    ['credentials', '{ password: hunter2 }'],
    ['credentials', '{ password_file: a, scopes: [] }'],
    ['credentials', '{ username: "a:b", password_file: a }'],
    ['proxy', '{ url: "http://me:hunter2@proxy:3128" }'],
    ['proxy', '{ url: "socks5://proxy:1080" }'],
    ['proxy', '{ url: "http://proxy:3128", username: me }'],
    ['proxy', '{ url: "http://proxy:3128", password_file: a }'],
    ['proxy', '{ url: "http://proxy:3128", password_command: [a] }'],
    ['proxy', '{ url: "http://proxy:3128", username: me, password_file: a, password_command: [a] }'],
    ['private_hosts', '["http://x"]'],
  ])('refuses %s: %s', (key, value) => {
    const load = () => loadConfig({ file: index(`    ${key}: ${value}\n`), env: {} });
    const found = new Set(wheres(load).map((where) => where.split('.').slice(0, 3).join('.')));
    expect([...found]).toEqual([`indexes.main.${key}`]);
    expect(load).not.toThrow(/hunter2/);
  });

  it('sends credentials to other machines over TLS only', () => {
    const path = index('    credentials: { password_file: a, scopes: ["http://i.example/"] }\n');
    expect(wheres(() => loadConfig({ file: path, env: {} }))).toEqual(['indexes.main.credentials.scopes.0']);
  });

  it('finds certificate, users and tokens beside the file', () => {
    const path = file('server: { tls: { cert: c.pem, key: k.pem }, auth: { htpasswd: users, tokens: t } }\n');
    expect(loadConfig({ file: path, env: {} }).server).toMatchObject({
      tls: { cert: join(directory, 'c.pem'), key: join(directory, 'k.pem') },
      auth: { htpasswd: join(directory, 'users'), tokens: join(directory, 't') },
    });
  });

  it.each(['tls: { cert: c.pem }', 'auth: {}', 'auth: { htpasswd: "" }'])('refuses %s', (line) => {
    expect(wheres(() => loadConfig({ file: file(`server: { ${line} }\n`), env: {} }))).toHaveLength(1);
  });
});

describe('http upstreams', () => {
  it.each(['http://127.0.0.1:1/', 'http://localhost:1/', 'http://[::1]:1/', 'http://127.9.9.9/'])(
    'takes loopback: %s',
    (upstream) => {
      expect(loadConfig({ env: {}, flags: { ...simple, upstream } }).indexes['main']?.upstream).toBe(upstream);
    },
  );

  it.each(['http://index.example/', 'http://127.0.0.1.example/', 'http://10.0.0.1/', 'http://localhost.example/'])(
    'refuses another machine in the clear: %s',
    (upstream) => {
      expect(wheres(() => loadConfig({ env: {}, flags: { ...simple, upstream } }))).toEqual([
        'indexes.main.upstream (--upstream)',
      ]);
    },
  );

  it.each(['metadata_url', 'pages_url', 'files_url'])('holds %s to the same', (key) => {
    const path = file(main(`    ${key}: http://x.example/\n`));
    expect(wheres(() => loadConfig({ file: path, env: {} }))).toEqual([`indexes.main.${key}`]);
  });

  it('takes an origin as a file host, in the clear on loopback only', () => {
    const hosts = ['https://files.example', 'http://127.0.0.1:8080'];
    expect(loadConfig({ env: {}, flags: { ...simple, fileHost: hosts } }).indexes['main']?.fileHosts).toEqual(hosts);
  });

  it('holds the bases of a free layout to the same', () => {
    const path = file(
      main(
        '    layout: { metadata: "http://x.example/", pages: { base: "http://x.example/", target: "{project}" } }\n',
      ),
    );
    expect(wheres(() => loadConfig({ file: path, env: {} }))).toEqual([
      'indexes.main.layout.metadata',
      'indexes.main.layout.pages.base',
    ]);
  });

  it('takes it in the words nobody writes by accident, and in no others', () => {
    const plain = (words: string) =>
      file(`indexes:\n  main: { upstream: "http://x.example/", root: r, insecure_upstream: ${words} }\n`);
    const index = loadConfig({ file: plain(INSECURE_UPSTREAM), env: {} }).indexes['main'];
    expect(index).toMatchObject({ upstream: 'http://x.example/', insecureUpstream: true });
    expect(wheres(() => loadConfig({ file: plain('true'), env: {} }))).toContain('indexes.main.insecure_upstream');
  });

  it('wants other words where no signatures catch anything', () => {
    const plain = (words: string) =>
      file(`indexes:\n  main: { upstream: "http://x.example/", evidence: index, insecure_upstream: ${words} }\n`);
    expect(loadConfig({ file: plain(INSECURE_INDEX), env: {} }).indexes['main']?.insecureUpstream).toBe(true);
    expect(wheres(() => loadConfig({ file: plain(INSECURE_UPSTREAM), env: {} }))).toContain(
      'indexes.main.insecure_upstream',
    );
  });
});

describe('a free layout', () => {
  it('comes out as written, with its defaults', () => {
    const path = file(
      main(
        '    layout:\n      pages: { base: simple/, target: "{project}/index.html", hash_prefix: true }\n      files: { base: "https://files.example/" }\n',
      ),
    );
    const index = loadConfig({ file: path, env: {} }).indexes['main'];
    expect(index?.evidence === 'tuf' && index.layout).toEqual({
      metadata: 'metadata/',
      pages: { base: 'simple/', target: '{project}/index.html', hashPrefix: true, list: undefined },
      files: { base: 'https://files.example/', hashPrefix: false, target: undefined },
    });
  });

  it('reports faults inside it by their own path', () => {
    const path = file(main('    layout: { pages: { base: ../simple/, target: /x, prefix: true } }\n'));
    expect(wheres(() => loadConfig({ file: path, env: {} })).toSorted()).toEqual([
      'indexes.main.layout.pages.base',
      'indexes.main.layout.pages.prefix',
      'indexes.main.layout.pages.target',
    ]);
  });
});

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['500', 500],
    ['"1 KB"', 1000],
    ['1KiB', 1024],
    ['1.5 GB', 1.5e9],
    ['2 tib', 2 ** 41],
  ])('%s is %d bytes', (text, bytes) => {
    expect(loadConfig({ file: file(main(`cache: { max_bytes: ${text} }\n`)), env: {} }).cache.maxBytes).toBe(bytes);
  });

  it.each(['-1', '1.5', '10 gigs', '""', '1e999'])('%s is none', (text) => {
    expect(wheres(() => loadConfig({ file: file(main(`cache: { max_bytes: ${text} }\n`)), env: {} }))).toEqual([
      'cache.max_bytes',
    ]);
  });
});
