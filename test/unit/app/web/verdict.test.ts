import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../../src/app/health/verdict.ts';
import { verdictOn } from '../../../../src/app/web/verdict.ts';
import { conditionSays, reasonSays } from '../../../../src/app/web/words.ts';
import { REASONS, SECURITY_REASONS } from '../../../../src/bytes/refusal.ts';
import type { RefusedThing } from '../../../../src/disk/records/news-record.ts';
import type { IndexStatus } from '../../../../src/mirror/package-index.ts';
import { CONDITIONS, type ConditionName } from '../../../../src/ports/conditions.ts';

const NOW = 1_000_000_000;
const DAY = 86_400;

const role = (name: string, expires: number) => ({
  role: name,
  version: 1,
  expires,
  signed: 1,
  threshold: 1,
  keys: 1,
  online: false,
});
const index = (over: Partial<IndexStatus> = {}): IndexStatus => ({
  name: 'main',
  evidence: 'tuf',
  upstream: 'https://example.org/',
  layout: 'pep458',
  lastRefresh: NOW - 60,
  lastError: undefined,
  roles: [role('root', NOW + 300 * DAY), role('timestamp', NOW + DAY)],
  leftOut: new Map(),
  firstSight: 0,
  byManifest: 0,
  outOfReach: new Map(),
  quarantined: 0,
  silent: false,
  ...over,
});
const refusal = (over: Partial<RefusedThing> = {}): RefusedThing => ({
  at: NOW - 60,
  index: 'main',
  reason: 'digest',
  subject: 'file',
  thing: 'x.whl',
  message: '',
  from: 'upstream',
  ...over,
});
const failed = (reason: string, at = NOW) => ({ reason, message: '', at });

const verdict = (
  about: {
    indexes?: readonly IndexStatus[];
    what?: readonly ConditionName[];
    refusals?: readonly RefusedThing[];
    findings?: readonly Finding[];
  } = {},
) => {
  const { indexes = [index()], what = [], refusals = [], findings = [] } = about;
  const conditions = what.map((each) => ({ what: each, index: '', thing: '/secret/path', message: '/secret/path' }));
  const { says, troubles } = verdictOn({ indexes, conditions, findings, refusals, now: NOW, judged: NOW });
  return { says, levels: troubles.map(({ what: name, level }) => `${level} ${name}`), troubles };
};

describe('the one sentence', () => {
  it('is that all is well where it is', () => {
    expect(verdict()).toMatchObject({ says: 'All is well.', levels: [] });
  });

  it.each([
    [
      'an index whose state is damaged',
      { lastRefresh: undefined, roles: [], lastError: failed('state', 0) },
      'bad state',
    ],
    [
      'signatures that ended and could not be had anew',
      { roles: [role('root', NOW)], lastError: failed('threshold') },
      'bad expired',
    ],
    ['an upstream that is silent', { silent: true }, 'warn away'],
    ['an upstream that could not be had', { lastError: failed('unreachable') }, 'warn away'],
    ['an upstream that was not believed', { lastError: failed('rollback') }, 'warn rollback'],
    ['a root that ends soon', { roles: [role('root', NOW + 13 * DAY)] }, 'warn ending'],
  ])('tells of %s', (_, over, first) => {
    const { says, levels, troubles } = verdict({ indexes: [index(over)] });
    expect(levels[0]).toBe(first);
    expect(says).toBe(troubles[0]?.says);
    for (const { next } of troubles) expect(next).toMatch(/\w{3}/);
  });

  it.each([
    ['a list that ended while nobody asked', { roles: [role('timestamp', NOW - 5)] }],
    ['an error that was over with the next word of upstream', { lastError: failed('unreachable', NOW - 100) }],
    ['a timestamp of a day', { roles: [role('timestamp', NOW + 100)] }],
  ])('is not alarmed by %s', (_, over) => {
    expect(verdict({ indexes: [index(over)] }).says).toBe('All is well.');
  });

  it('tells of what was not what was promised, for an hour', () => {
    for (const reason of SECURITY_REASONS)
      expect(verdict({ refusals: [refusal({ reason })] }).levels).toEqual(['warn refused']);
    expect(verdict({ refusals: [refusal({ at: NOW - 3600 })] }).levels).toEqual([]);
    expect(verdict({ refusals: [refusal({ index: 'other' })] }).levels).toEqual([]);
    expect(verdict({ refusals: [refusal({ reason: 'foreign' })] }).levels).toEqual([]);
  });

  it('is of the worst', () => {
    const damaged = index({ name: 'b', lastRefresh: undefined, roles: [], lastError: failed('state', 0) });
    const { says, levels } = verdict({ indexes: [index({ silent: true }), damaged], what: ['disk'] });
    expect(levels).toEqual(['bad state', 'warn away', 'warn disk']);
    expect(says).toContain('Nothing of b is served');
  });

  it('has words for every condition that is a warning, none for what a setting asked for, and names no path', () => {
    for (const [what, level] of Object.entries(CONDITIONS)) {
      const name = Object.keys(CONDITIONS).find((each): each is ConditionName => each === what);
      if (name === undefined) throw new Error(what);
      const said = conditionSays(name);
      if (level === 'warn') expect(said, what).toBeDefined();
      expect(JSON.stringify(verdict({ what: [name] }).troubles)).not.toContain('/secret');
    }
    expect(verdict({ what: ['offline', 'reference-time', 'public'] }).says).toBe('All is well.');
  });

  it('says no less than /health does, and the same thing once', () => {
    const finding = (what: Finding['what'], of = 'main'): Finding => ({
      what,
      index: of,
      message: `It is ${what}.`,
      next: 'Look.',
    });
    for (const what of ['state', 'expired', 'import-age'] as const)
      expect(verdict({ findings: [finding(what)] }).levels).toEqual([`bad ${what}`]);
    expect(verdict({ findings: [finding('quarantine', '')] })).toMatchObject({
      says: 'It is quarantine.',
      levels: ['warn quarantine'],
    });
    expect(verdict({ findings: [finding('clock', '')], what: ['clock'] }).levels).toEqual(['warn clock']);
    const silent = { indexes: [index({ silent: true })] };
    expect(verdict({ ...silent, findings: [finding('stale')] }).levels).toEqual(['warn away']);
    expect(verdict({ ...silent, findings: [finding('stale', 'b')] }).levels).toEqual(['warn away', 'warn stale']);
  });

  it('has words for every reason', () => {
    for (const reason of REASONS) expect(reasonSays(reason).says, reason).toMatch(/^[A-Z].*\.$/);
  });
});
