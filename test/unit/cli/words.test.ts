import { describe, expect, it } from 'vitest';
import { settingConditions } from '../../../src/app/conditions/settings.ts';
import { explanationLines } from '../../../src/app/explanation-text.ts';
import { readyJson, readyLines } from '../../../src/cli/serve.ts';
import { statusLines } from '../../../src/cli/status.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Explanation, IndexStatus } from '../../../src/mirror/package-index.ts';
import type { Pin } from '../../../src/ports/index-state.ts';

// No text lets the weaker evidence pass for the stronger: which kind it is, that it is weaker, and who could tamper.

const NOW = 1_800_000_000;
const at = { url: 'http://127.0.0.1:3141', metricsUrl: undefined, conditions: [] };
const signed = { upstream: 'https://index.example/', root: 'root.json' };
const explanationText = (...of: Parameters<typeof explanationLines>) => explanationLines(...of).join('\n');
const statusText = (...of: Parameters<typeof statusLines>) => statusLines(...of).join('\n');
const ready = (flags: Parameters<typeof loadConfig>[0]['flags']) => {
  const config = loadConfig({ env: {}, flags });
  return readyLines(config, { ...at, conditions: settingConditions(config) }).join('\n');
};

describe('verbatim serve', () => {
  it('says of an index that signs nothing what it is worth', () => {
    const text = ready({});
    expect(text).toMatch(/Evidence: index\..*weaker than tuf/);
    expect(text).toMatch(/whoever controls the upstream/i);
    expect(text).not.toMatch(/signatures|from the root/);
  });

  it('says of a signed index that it is signed', () => {
    expect(ready(signed)).toMatch(/Evidence: tuf\./);
    expect(ready(signed)).not.toMatch(/weaker/);
  });

  it('names no address of an index that bundles bring', () => {
    const config = loadConfig({ env: {} });
    const [index] = Object.values(config.indexes);
    if (index === undefined) throw new Error('no index is configured');
    const carried = { keys: [], maxAge: 30, generations: 2, scan: undefined };
    const text = readyLines({ ...config, indexes: { main: { ...index, name: 'main', import: carried } } }, at).join(
      '\n',
    );
    expect(text).toContain('Serving "main" as import carries it here; nobody is asked');
    expect(text).not.toContain('Mirroring');
  });

  it('says which address is over several indexes, and that nobody is asked for the rest', () => {
    const both = { name: 'both', of: ['private', 'main'], owned: {} };
    const text = readyLines({ ...loadConfig({ env: {}, flags: {} }), addresses: { both } }, at).join('\n');
    expect(text).toContain('Serving "both" over private, main: a project is the first one\'s that has it');
    expect(ready({})).not.toContain('over');
  });

  it('says who gets in', () => {
    expect(ready({})).toContain('this machine only');
    expect(ready({ host: '10.0.0.1' })).toContain('Whoever reaches this address may read');
  });

  it('shows lines that work, without a secret of anybody', () => {
    expect(ready({ publicUrl: 'https://mirror.example/' })).toContain(
      '--index-url https://mirror.example/simple/ PACKAGE',
    );
    const config = loadConfig({ env: {} });
    const guarded = {
      ...config,
      server: { ...config.server, auth: { htpasswd: '/users', tokens: undefined, recordNames: true } },
    };
    expect(readyLines(guarded, at).join('\n')).toContain('--index-url http://NAME:PASSWORD@127.0.0.1:3141/simple/');
  });
});

describe('what deviates', () => {
  it('is said where there is something, with its setting, and not at all where there is nothing', () => {
    expect(ready({})).not.toContain('To know');
    const text = ready({
      upstream: 'https://index.example/simple/',
      referenceTime: '2026-01-01T00:00:00Z',
      offline: true,
    });
    expect(text).toMatch(
      /To know:\n {2}reference-time: .*2026-01-01T00:00:00Z.*\n {2}offline: .*\n {2}first-sight \(main\): /,
    );
  });
});

describe('verbatim serve --json', () => {
  const indexes = [
    { name: 'main', evidence: 'index' },
    { name: 'own', evidence: 'tuf' },
  ] as const;

  it('names metadata and targets where there are some, and nowhere else', () => {
    const own = {
      simple: `${at.url}/own/simple/`,
      metadata: `${at.url}/own/tuf/metadata/`,
      targets: `${at.url}/own/tuf/targets/`,
    };
    expect(JSON.parse(readyJson({ ...at, indexes, defaultIndex: 'main' }))).toEqual({
      url: at.url,
      conditions: [],
      simple: `${at.url}/simple/`,
      indexes: [
        { name: 'main', evidence: 'index', simple: `${at.url}/main/simple/` },
        { name: 'own', evidence: 'tuf', ...own },
      ],
      addresses: [],
    });
    expect(JSON.parse(readyJson({ ...at, indexes, defaultIndex: 'own' }))).toMatchObject({
      simple: `${at.url}/simple/`,
      metadata: `${at.url}/tuf/metadata/`,
      targets: `${at.url}/tuf/targets/`,
    });
  });

  it('names the addresses over several indexes, and what each is over', () => {
    const all = { name: 'all', of: ['own', 'main'], owned: { own: ['acme-*'] } };
    expect(JSON.parse(readyJson({ ...at, indexes, defaultIndex: 'all' }, [all]))).toMatchObject({
      simple: `${at.url}/simple/`,
      addresses: [{ ...all, simple: `${at.url}/all/simple/` }],
    });
  });
});

describe('verbatim status', () => {
  const index: IndexStatus = {
    name: 'main',
    evidence: 'index',
    upstream: 'https://index.example/simple/',
    layout: 'simple',
    lastRefresh: NOW - 60,
    lastError: undefined,
    roles: [],
    leftOut: new Map(),
    firstSight: 0,
    byManifest: 0,
    outOfReach: new Map(),
    quarantined: 0,
    sealed: false,
    silent: false,
  };

  it('says of an index that signs nothing who could tamper, upstream and on this disk', () => {
    expect(statusText(index, NOW)).toMatch(/evidence: index - weaker than tuf/);
    expect(statusText(index, NOW)).toMatch(/NOT sealed - whoever can write to the data directory can forge/);
    expect(statusText({ ...index, sealed: true }, NOW)).toMatch(/: sealed - .*delete/);
  });

  it('says how much is in quarantine by hand, where anything is', () => {
    expect(statusText(index, NOW)).not.toContain('quarantine');
    expect(statusText({ ...index, quarantined: 1 }, NOW)).toContain('in quarantine by hand: 1 project or version (');
    expect(statusText({ ...index, quarantined: 2 }, NOW)).toContain('2 projects or versions');
  });

  it('names the hosts where this mirror may not go', () => {
    expect(statusText({ ...index, outOfReach: new Map([['files.example', 1]]) }, NOW)).toMatch(
      /out of reach: 1 listed file lies on files\.example.*--file-host files\.example/,
    );
  });

  it('says nothing of it where signatures vouch', () => {
    const text = statusText({ ...index, evidence: 'tuf', sealed: undefined }, NOW);
    expect(text).toMatch(/evidence: tuf/);
    expect(text).not.toMatch(/weaker|seal/);
  });
});

describe('verbatim explain', () => {
  const pin: Pin = { digests: new Map(), seen: NOW, provisional: true };
  const unsigned: Explanation = {
    evidence: 'index',
    kind: 'file',
    name: 'foo_bar-1.0.tar.gz',
    project: 'foo-bar',
    target: '',
    chain: [],
    digests: new Map([['sha256', 'ab'.repeat(32)]]),
    pinned: pin,
    forgeableOnline: [],
    reuploads: false,
    files: 2,
    firstSight: 0,
    byManifest: 0,
    leftOut: [],
    removed: [],
    outOfReach: new Map(),
    rules: [],
    odd: [],
  };

  it('says that nobody signed it, and what an attacker needs', () => {
    for (const kind of ['file', 'project'] as const) {
      const text = explanationText({ ...unsigned, kind }, NOW);
      expect(text).toMatch(/evidence: index/);
      expect(text).toMatch(/Nobody signed it\. This is weaker than tuf/);
      expect(text).toMatch(/an attacker needs one of these: the upstream index or its storage; a TLS certificate/);
      expect(text).not.toMatch(/proved by signatures|root you pinned|keys/);
    }
  });

  it('names the hosts where this mirror may not go, and the setting that lets it', () => {
    const text = explanationText({ ...unsigned, outOfReach: new Map([['files.example', 2]]) }, NOW);
    expect(text).toMatch(
      /2 listed files lie on files\.example, where this mirror may not go; .*--file-host files\.example/,
    );
  });

  it('says in what a page is odd', () => {
    expect(explanationText({ ...unsigned, odd: ['meta', 'name'] }, NOW)).toMatch(
      /has no "meta" with a version\.\n.*does not say which project it is of/,
    );
  });

  it('tells a pin that holds from one that does not yet', () => {
    expect(explanationText(unsigned, NOW)).toMatch(
      /provisional until it was sent to a client, or its bytes were proved/,
    );
    expect(explanationText({ ...unsigned, pinned: { ...pin, proved: true } }, NOW)).toMatch(/until a second look/);
    const held = explanationText({ ...unsigned, pinned: { ...pin, provisional: false } }, NOW);
    expect(held).toMatch(/no other bytes are ever served under this name/);
    expect(held).toMatch(/change what this mirror remembers/);
  });
});
