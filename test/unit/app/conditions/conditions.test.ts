import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateConditions, validityOf } from '../../../../src/app/conditions/certificate.ts';
import { ClockComparison } from '../../../../src/app/conditions/clocks.ts';
import { diskConditions, freeBytes } from '../../../../src/app/conditions/disk.ts';
import { secretConditions } from '../../../../src/app/conditions/secrets.ts';
import { settingConditions } from '../../../../src/app/conditions/settings.ts';
import { ConditionWatch } from '../../../../src/app/conditions/watch.ts';
import { parseInstant } from '../../../../src/bytes/instant.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import type { Condition } from '../../../../src/ports/conditions.ts';
import type { Event } from '../../../../src/ports/events.ts';
import { EXPIRED, GOOD } from '../../../support/certificates.ts';

const DAY = 86_400;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'verbatim-conditions-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function configOf(text: string) {
  const file = join(directory, 'verbatim.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {} });
}

const whats = (conditions: readonly Condition[]) =>
  conditions.map(({ what, index }) => (index ? `${what} ${index}` : what));

describe('what settings say', () => {
  it('is nothing of PyPI on loopback, as it is', () => {
    expect(settingConditions(loadConfig({ env: {} }))).toEqual([]);
  });

  it.each([
    ['reference_time: "2026-01-01T00:00:00Z"', ['reference-time']],
    ['offline: true', ['offline']],
    ['server: { host: 0.0.0.0 }', ['public']],
    ['server: { host: 10.0.0.1, auth: { tokens: t } }', ['clear-text-passwords']],
    ['server: { host: 10.0.0.1, auth: { tokens: t }, tls: { cert: c, key: k } }', []],
    ['server: { host: 10.0.0.1, auth: { tokens: t }, public_url: "https://m.example/" }', []],
    ['server: { auth: { tokens: t } }', []],
  ])('%s', (setting, expected) => {
    expect(
      whats(
        settingConditions(
          configOf(`${setting}\nindexes: { a: { upstream: "https://pypi.org/simple/", evidence: index } }`),
        ),
      ),
    ).toEqual(expected);
  });

  it.each([
    ['upstream: "https://a.example/simple/", evidence: index', ['first-sight a']],
    ['upstream: "https://a.example/simple/", evidence: index, undigested: withhold', []],
    ['upstream: "https://a.example/simple/", evidence: index, reuploads: true', ['reuploads a']],
    ['upstream: "https://a.example/", root: root.json', []],
    [`evidence: index, import: { keys: [{ name: outside, ed25519: ${'ab'.repeat(32)} }] }`, []],
    [
      'upstream: "http://a.example/simple/", evidence: index, undigested: withhold, insecure_upstream: i-accept-that-anybody-on-the-way-chooses-the-files',
      ['insecure-upstream a'],
    ],
    [
      'upstream: "https://a.example/simple/", evidence: index, undigested: withhold, stale_if_error: forever, file_hosts: [any-public]',
      ['any-public-host a', 'stale-forever a'],
    ],
  ])('of an index: %s', (index, expected) => {
    expect(whats(settingConditions(configOf(`indexes: { a: { ${index} } }`)))).toEqual(expected);
  });
});

describe('a secret', () => {
  const SECRETS = {
    'seal.key': 'seal_key_file',
    'tls.key': 'server.tls.key',
    users: 'server.auth.htpasswd',
    tokens: 'server.auth.tokens',
    upstream: 'indexes.a.credentials.password_file',
    proxy: 'indexes.a.proxy.password_file',
    'client.key': 'indexes.a.client_key',
  };
  const config = () =>
    configOf(`seal_key_file: seal.key
server: { tls: { cert: cert, key: tls.key }, auth: { htpasswd: users, tokens: tokens } }
indexes:
  a:
    upstream: "https://a.example/simple/"
    evidence: index
    credentials: { password_file: upstream }
    proxy: { url: "http://proxy.example/", username: me, password_file: proxy }
    client_cert: cert
    client_key: client.key
`);
  const give = (mode: number) => {
    for (const name of Object.keys(SECRETS)) {
      writeFileSync(join(directory, name), 'secret');
      chmodSync(join(directory, name), mode);
    }
  };

  it('that everybody may read is told of with its setting, wherever it is named', () => {
    give(0o644);
    const found = secretConditions(config());
    expect(found.map(({ thing }) => thing)).toEqual(Object.keys(SECRETS).map((name) => join(directory, name)));
    for (const [at, setting] of Object.values(SECRETS).entries()) {
      expect(found[at]?.message).toContain(`(${setting})`);
      expect(found[at]?.message).toMatch(/^Everybody .*chmod o-rwx/);
    }
  });

  it('of this process that its whole group may read is told of', () => {
    give(0o640);
    expect(secretConditions(config())[0]?.message).toMatch(/^Its whole group .*chmod g-rwx/);
  });

  it('that its owner alone may read is fine, and so is none', () => {
    expect(secretConditions(config())).toEqual([]);
    give(0o600);
    expect(secretConditions(config())).toEqual([]);
  });
});

describe('a certificate', () => {
  const at = (now: number, warnDays = 14) => ({ now, warnDays, file: 'cert.pem' });
  const [from, to] = [parseInstant('2026-01-01T00:00:00Z') ?? 0, parseInstant('2026-04-01T00:00:00Z') ?? 0];
  const said = (now: number, warnDays?: number) =>
    certificateConditions({ from, to }, at(now, warnDays)).map(({ message }) => message);

  it('holds as long as the shortest of its chain', () => {
    expect(validityOf({ cert: GOOD })?.to).toBe(parseInstant('2125-01-01T00:00:00Z'));
    expect(validityOf({ cert: GOOD + EXPIRED })).toEqual({
      from: parseInstant('2025-01-01T00:00:00Z'),
      to: parseInstant('2021-01-01T00:00:00Z'),
    });
    expect(validityOf({ cert: 'nothing' })).toBeUndefined();
  });

  it('is told of near its end, after it, and before its time', () => {
    expect(said(to - 14 * DAY - 1)).toEqual([]);
    expect(said(to - 14 * DAY)).toEqual([expect.stringContaining('ends in 14 days')]);
    expect(said(to)).toEqual([expect.stringContaining('ended')]);
    expect(said(from - 1)).toEqual([expect.stringContaining('does not hold before 2026-01-01T00:00:00Z')]);
    expect(said(to - 14 * DAY, 3)).toEqual([]);
    expect(said(to - 1, 0)).toEqual([]);
  });

  it('of six days is told of in the last fifth of them', () => {
    const short = { from, to: from + 6 * DAY };
    expect(certificateConditions(short, at(from + 4 * DAY))).toEqual([]);
    expect(certificateConditions(short, at(from + 5 * DAY))).toHaveLength(1);
  });
});

describe('two clocks', () => {
  it('are told of when they differ by more than five minutes, and until they agree', () => {
    const clocks = new ClockComparison();
    const look = (ahead: number) => {
      clocks.heard('main', 1000, 1000 + ahead);
      return clocks.look().map(({ message }) => message);
    };
    expect(look(300)).toEqual([]);
    expect(look(301)).toEqual([expect.stringContaining('301 seconds ahead of')]);
    expect(look(250)).toHaveLength(1);
    expect(look(240)).toEqual([]);
    expect(look(-301)).toEqual([expect.stringContaining('301 seconds behind')]);
    expect(clocks.ahead).toEqual(new Map([['main', -301]]));
  });

  it('are judged by the answer that agrees best: what a cache kept is late', () => {
    const clocks = new ClockComparison();
    for (const ahead of [9000, 2, 4000]) clocks.heard('main', 1000, 1000 + ahead);
    expect(clocks.look()).toEqual([]);
    expect(clocks.ahead).toEqual(new Map([['main', 2]]));
  });

  it('are looked at at once, and once, where this one is far behind, which no cache makes it seem', () => {
    const clocks = new ClockComparison();
    let looks = 0;
    clocks.watch(() => looks++);
    for (const ahead of [9000, -300]) clocks.heard('main', 10_000, 10_000 + ahead);
    expect(looks).toBe(0);
    for (const ahead of [-301, -400, 0]) clocks.heard('main', 10_000, 10_000 + ahead);
    expect([looks, clocks.look().length]).toEqual([1, 1]);
    clocks.heard('main', 10_000, 9_000);
    expect(looks).toBe(1);
  });

  it('stand as they did where upstream is not asked', () => {
    const clocks = new ClockComparison();
    expect(clocks.look()).toEqual([]);
    clocks.heard('main', 1000, 2000);
    expect([clocks.look().length, clocks.look().length]).toEqual([1, 1]);
  });
});

describe('a disk', () => {
  const at = (low: boolean) => ({ limit: 1e9, low, data: '/data' });
  it('is told of below the limit, and until there is clearly more again', () => {
    expect(diskConditions(1e9, at(false))).toEqual([]);
    expect(diskConditions(999_999_999, at(false))).toMatchObject([{ what: 'disk', thing: '/data' }]);
    expect(diskConditions(1.05e9, at(true))).toHaveLength(1);
    expect(diskConditions(1.1e9, at(true))).toEqual([]);
    expect(diskConditions(undefined, at(true))).toEqual([]);
  });

  it('says what is free, or nothing where there is none', async () => {
    expect(await freeBytes(directory)).toBeGreaterThan(0);
    expect(await freeBytes(join(directory, 'absent'))).toBeUndefined();
  });
});

describe('a watch', () => {
  it('tells each change once', async () => {
    const told: string[] = [];
    const emit = (event: Event) => {
      if (event.name === 'condition') told.push(`${event.begins ? '+' : '-'}${event.what} ${event.thing}`);
    };
    let so: readonly Condition[] = [];
    const watch = new ConditionWatch(async () => so, emit);
    const [one, two]: readonly Condition[] = ['a', 'b'].map((thing) => ({
      what: 'disk',
      index: '',
      thing,
      message: '',
    }));
    if (one === undefined || two === undefined) throw new Error('nothing');
    for (const next of [[one], [one], [one, two], [{ ...two, message: 'other words' }], []]) {
      so = next;
      await watch.look();
    }
    expect(told).toEqual(['+disk a', '+disk b', '-disk a', '-disk b']);
    expect(watch.inForce).toEqual([]);
  });
});
