import { describe, expect, it } from 'vitest';
import { createHealth } from '../../../../src/app/health/health.ts';
import { type Facts, verdictOn } from '../../../../src/app/health/verdict.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import type { IndexStatus } from '../../../../src/mirror/package-index.ts';

const NOW = 1_790_000_000;
const FRESH = 60;

const index = (over: Partial<IndexStatus> = {}): IndexStatus => ({
  name: 'main',
  evidence: 'tuf',
  upstream: 'https://index.example/',
  layout: 'pep458',
  lastRefresh: NOW - 10,
  lastError: undefined,
  roles: [
    { role: 'timestamp', version: 3, expires: NOW + 3600, signed: 1, threshold: 1, keys: 1, online: true },
    { role: 'root', version: 1, expires: NOW + 86_400, signed: 2, threshold: 2, keys: 3, online: false },
  ],
  sealed: undefined,
  leftOut: new Map(),
  firstSight: 0,
  byManifest: 0,
  outOfReach: new Map(),
  quarantined: 0,
  silent: false,
  ...over,
});

const facts = (over: Partial<Facts> = {}): Facts => ({
  now: NOW,
  judged: NOW,
  indexes: [index()],
  disk: [{ part: 'quarantine', index: '', bytes: 0 }],
  tampered: [],
  conditions: [],
  ...over,
});

const failed = { reason: 'unreachable', message: 'connect ECONNREFUSED 10.1.2.3:443', at: NOW - 1 };
const known = { freshFor: new Map([['main', FRESH]]), startedAt: NOW - 86_400 };
/** What breaks the promise. */
const breaking = (over: Partial<Facts>, about = known) =>
  verdictOn(facts(over), about).troubles.filter(({ breaks }) => breaks);
const whats = (over: Partial<Facts>, about = known) =>
  breaking(over, about).map(({ what, index: of }) => (of === '' ? what : `${what} ${of}`));

describe('the promise', () => {
  it('holds where upstream confirmed everything a moment ago', () => {
    expect(whats({})).toEqual([]);
  });

  it('holds of an index that nobody has asked for in days', () => {
    expect(whats({ indexes: [index({ lastRefresh: NOW - 5 * 86_400 })] })).toEqual([]);
  });

  it('does not hold once upstream could not be heard for more than three intervals', () => {
    const behind = (seconds: number) => whats({ indexes: [index({ lastRefresh: NOW - seconds, lastError: failed })] });
    expect(behind(3 * FRESH)).toEqual([]);
    expect(behind(3 * FRESH + 1)).toEqual(['stale main']);
  });

  it('goes by what came last: an error before the last confirmation, or in its second, is over', () => {
    const past = { ...failed, at: NOW - 500 };
    expect(whats({ indexes: [index({ lastRefresh: NOW - 499, lastError: past })] })).toEqual([]);
    expect(whats({ indexes: [index({ lastRefresh: NOW - 500, lastError: past })] })).toEqual([]);
    expect(whats({ indexes: [index({ lastRefresh: NOW - 501, lastError: past })] })).toEqual(['stale main']);
  });

  it('counts from the start what was never heard', () => {
    const indexes = [index({ lastRefresh: undefined, lastError: failed })];
    expect(whats({ indexes })).toEqual(['stale main']);
    expect(whats({ indexes }, { ...known, startedAt: NOW - 5 })).toEqual([]);
  });

  it('asks freshness of no index that asks nobody', () => {
    const indexes = [index({ lastRefresh: NOW - 5000, lastError: failed })];
    expect(whats({ indexes }, { ...known, freshFor: new Map() })).toEqual([]);
    const offline = [index({ lastRefresh: NOW - 5000, lastError: { ...failed, reason: 'offline' } })];
    expect(whats({ indexes: offline })).toEqual([]);
  });

  it('does not hold where signed metadata has expired and newer could not be had, as of when it is judged', () => {
    const indexes = [index({ lastError: failed })];
    expect(whats({ indexes, judged: NOW + 3600 })).toEqual(['expired main']);
    expect(breaking({ indexes, judged: NOW + 86_400 })[0]?.says).toMatch(/timestamp, root/);
    expect(whats({ indexes, judged: NOW + 3599 })).toEqual([]);
  });

  it('holds where it has expired and nobody has asked since, but not where nobody will be asked', () => {
    expect(whats({ judged: NOW + 3600 })).toEqual([]);
    expect(whats({ judged: NOW + 3600 }, { ...known, freshFor: new Map() })).toEqual(['expired main']);
  });

  it('does not hold where stored state is not believed, and says nothing else of that index', () => {
    const lost = { reason: 'state', message: '/var/lib/verbatim/indexes/main is damaged', at: 0 };
    expect(
      whats({ judged: NOW + 86_400, indexes: [index({ lastRefresh: undefined, lastError: lost, refusesAll: true })] }),
    ).toEqual(['state main']);
  });

  it('does not hold where what was imported is too old, and is judged as of its own time', () => {
    const carried = { label: 'bundle', number: 7, stateAt: NOW - 900, importedAt: NOW - 900, reference: NOW - 900 };
    const of = (age: number) =>
      whats({ judged: NOW + 86_400, indexes: [index({ carried: { ...carried, age, most: 100 } })] });
    expect(of(100)).toEqual([]);
    expect(of(101)).toEqual(['import-age main']);
  });

  it('does not hold where clocks are apart, or something lies set aside', () => {
    expect(
      whats({
        conditions: [
          { what: 'clock', index: 'main' },
          { what: 'public', index: '' },
        ],
      }),
    ).toEqual(['clock main']);
    expect(
      whats({
        disk: [
          { part: 'quarantine', index: '', bytes: 1 },
          { part: 'state', index: 'main', bytes: 9 },
        ],
      }),
    ).toEqual(['quarantine']);
  });

  it('says nothing that an upstream, a path or an address could be read from', () => {
    const indexes = [
      index({ lastRefresh: NOW - 5000, lastError: failed }),
      index({
        name: 'other',
        refusesAll: true,
        lastError: { reason: 'state', message: '/var/lib/verbatim is damaged', at: 0 },
      }),
    ];
    const said = JSON.stringify(
      verdictOn(facts({ indexes, disk: [{ part: 'quarantine', index: '', bytes: 1 }] }), known),
    );
    expect(said).not.toMatch(/10\.1\.2\.3|\/var\/lib|index\.example/);
    expect(said).toMatch(/unreachable/);
  });
});

describe('who asks for the verdict', () => {
  const config = loadConfig({ env: {} });

  it('is told in words and as JSON, and devpi’s watchers in devpi’s', async () => {
    const indexes = [index({ lastRefresh: NOW - 5000, lastError: failed })];
    const health = createHealth({ config, facts: async () => facts({ indexes }), startedAt: NOW - 86_400 });
    const { holds, lines, json } = await health.verdict();
    // PyPI's pages are fresh for ten minutes.
    expect(holds).toBe(false);
    expect(lines[0]).toBe('The promise does not hold. What is amiss:');
    expect(lines.join('\n')).toMatch(/- main: Nothing comes from upstream, and did last.*last confirmed 1 hour ago/s);
    expect(json).toMatchObject({
      holds: false,
      findings: [{ what: 'stale', index: 'main' }],
      indexes: [{ name: 'main', holds: false, lastConfirmed: expect.stringMatching(/Z$/) }],
    });
    expect(await health.devpiStatus()).toMatchObject({
      role: 'MASTER',
      serial: 0,
      'event-serial': 0,
      'last-commit-timestamp': NOW - 5000,
      metrics: [
        ['verbatim_promise_holds', 'gauge', 0],
        ['verbatim_promise_findings', 'gauge', 1],
        ['verbatim_promise_to_know', 'gauge', 1],
      ],
    });
  });

  it('shares one look with whoever asks at the same time or soon after; a look that failed is no look', async () => {
    let looks = 0;
    const health = createHealth({
      config,
      facts: async () => {
        if (++looks === 1) throw new Error('the supervisor is about to start');
        return facts();
      },
      startedAt: NOW,
      keptMs: 60_000,
    });
    await expect(health.verdict()).rejects.toThrow('about to start');
    const all = await Promise.all([health.verdict(), health.verdict(), health.devpiStatus()]);
    expect(all[0]).toMatchObject({ holds: true, lines: expect.arrayContaining(['The promise holds.']) });
    await health.verdict();
    expect(looks).toBe(2);
  });

  it('is told anew once that is a while ago', async () => {
    let looks = 0;
    const counted = async () => {
      looks++;
      return facts();
    };
    const health = createHealth({ config, facts: counted, startedAt: NOW, keptMs: 0 });
    await health.verdict();
    await health.verdict();
    expect(looks).toBe(2);
  });
});
