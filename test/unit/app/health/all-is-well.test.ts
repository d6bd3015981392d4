import { describe, expect, it } from 'vitest';
import { createHealth } from '../../../../src/app/health/health.ts';
import { type Facts, verdictOn } from '../../../../src/app/health/verdict.ts';
import { conditionSays, reasonSays } from '../../../../src/app/health/words.ts';
import { healthView } from '../../../../src/app/web/health-view.ts';
import { REASONS } from '../../../../src/bytes/refusal.ts';
import { loadConfig } from '../../../../src/config/load.ts';
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
const failed = (reason: string, at = NOW, subject?: string) => ({ reason, message: '', at, subject });
const CARRIED = { label: 'as carried', number: 7, stateAt: NOW - 900, importedAt: NOW - 900, reference: NOW - 900 };

interface About {
  readonly indexes?: readonly IndexStatus[];
  readonly what?: readonly ConditionName[];
  readonly tampered?: Facts['tampered'];
  readonly aside?: number;
}
const factsOf = ({ indexes = [index()], what = [], tampered = [], aside = 0 }: About): Facts => ({
  now: NOW,
  judged: NOW,
  indexes,
  disk: [{ part: 'quarantine', index: '', bytes: aside }],
  tampered,
  conditions: what.map((each) => ({ what: each, index: '', thing: '/secret/path', message: '/secret/path' })),
});
const known = { freshFor: new Map([['main', 600]]), startedAt: NOW - DAY };
const verdict = (about: About = {}) => {
  const { says, troubles, holds } = verdictOn(factsOf(about), known);
  return { says, holds, levels: troubles.map(({ what: name, level }) => `${level} ${name}`), troubles };
};

describe('the one sentence', () => {
  it('is that all is well where it is', () => {
    expect(verdict()).toMatchObject({ says: 'All is well.', levels: [] });
  });

  it.each([
    [
      'an index whose state is damaged',
      { lastRefresh: undefined, roles: [], lastError: failed('state', 0), refusesAll: true },
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
    expect(says).toBe(`main: ${troubles[0]?.says}`);
    for (const { next } of troubles) expect(next).toMatch(/\w{3}/);
  });

  it.each([
    ['a list that ended while nobody asked', { roles: [role('timestamp', NOW - 5)] }],
    ['an error that was over with the next word of upstream', { lastError: failed('unreachable', NOW - 100) }],
    ['a timestamp of a day', { roles: [role('timestamp', NOW + 100)] }],
  ])('is not alarmed by %s', (_, over) => {
    expect(verdict({ indexes: [index(over)] }).says).toBe('All is well.');
  });

  it('tells of what was not what was promised', () => {
    const of = (name: string) => verdict({ tampered: [{ index: name, things: 2 }] });
    expect(of('main')).toMatchObject({ holds: true, levels: ['warn refused'] });
    expect(of('main').says).toContain('2 things that upstream sent');
    expect(of('other').levels).toEqual([]);
  });

  it('blames upstream for nothing that this machine could not do', () => {
    for (const error of [failed('state', NOW, 'state'), failed('limit', NOW, 'state')]) {
      const { levels, says, troubles } = verdict({ indexes: [index({ lastError: error })] });
      expect(levels).toEqual(['warn unkept']);
      expect(says).toContain('could not be written down on this machine');
      expect(troubles[0]?.next).toMatch(/this machine, not at upstream: its disk/);
    }
    const clock = verdict({ indexes: [index({ lastError: failed('clock', NOW, 'state') })] });
    expect(clock.says).toContain("this machine's clock cannot be believed");
    const large = verdict({ indexes: [index({ lastError: failed('limit', NOW, 'page') })] });
    expect(large.says).toContain('What upstream said last was not believed');
  });

  it('asks to look at the address of an upstream that was never heard', () => {
    const { troubles } = verdict({
      indexes: [index({ lastRefresh: undefined, roles: [], lastError: failed('unreachable') })],
    });
    expect(troubles[0]?.next).toContain('Look whether its address is right: "verbatim doctor" tries it');
    const later = verdict({ indexes: [index({ lastError: failed('unreachable') })] });
    expect(later.troubles[0]?.next).toContain('Nothing, if it comes back soon.');
  });

  it('is not that all is well before anything has come from upstream, where a server runs that asks one', () => {
    const unheard = index({ evidence: 'index', lastRefresh: undefined, roles: [] });
    const { holds, levels, says } = verdict({ indexes: [unheard] });
    expect([holds, levels]).toEqual([true, ['warn unheard']]);
    expect(says).toContain('its address may be wrong');
    const facts = factsOf({ indexes: [unheard] });
    for (const nobody of [
      { ...known, startedAt: undefined },
      { ...known, freshFor: new Map() },
    ])
      expect(verdictOn(facts, nobody).says).toBe('All is well.');
  });

  it('does not take a write that failed for damage, however long it lasts', () => {
    const unkept = index({ lastRefresh: NOW - DAY, lastError: failed('state', NOW, 'state') });
    const { says, levels, holds } = verdict({ indexes: [unkept] });
    expect([holds, levels]).toEqual([false, ['warn stale']]);
    expect(says).toMatch(
      /Nothing that upstream says can be written down on this machine, and did last 1 day ago \[state\]/,
    );
  });

  it('is of the worst', () => {
    const damaged = index({
      name: 'b',
      lastRefresh: undefined,
      roles: [],
      lastError: failed('state', 0),
      refusesAll: true,
    });
    const { says, levels } = verdict({ indexes: [index({ silent: true }), damaged], what: ['disk'] });
    expect(levels).toEqual(['bad state', 'warn away', 'warn disk']);
    expect(says).toContain('b: Nothing of it is served');
  });

  it('tells first what stops new files, and last what was warded off', () => {
    const about = { what: ['redis', 'unwritable'], tampered: [{ index: 'main', things: 1 }] } as const;
    expect(verdict(about).levels).toEqual(['warn unwritable', 'warn redis', 'warn refused']);
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

  it('tells one thing once: what is too old grows no older besides', () => {
    const carried = { ...CARRIED, age: 101, most: 100 };
    const { freshFor, ...rest } = known;
    const conditions = [{ what: 'import-age', index: 'main' }];
    const of = (age: number) =>
      verdictOn(
        { ...factsOf({ indexes: [index({ carried: { ...carried, age } })] }), conditions },
        { ...rest, freshFor: new Map([...freshFor].slice(1)) },
      ).troubles.map(({ what, breaks }) => [what, breaks]);
    expect(of(101)).toEqual([['import-age', true]]);
    expect(of(100)).toEqual([['import-age', false]]);
  });

  it('has words for every reason', () => {
    for (const reason of REASONS) expect(reasonSays(reason).says, reason).toMatch(/^[A-Z].*\.$/);
  });
});

const EVERYTHING: readonly (readonly [string, About])[] = [
  ['nothing', {}],
  ...Object.keys(CONDITIONS).flatMap((each) => {
    const what = Object.keys(CONDITIONS).find((name): name is ConditionName => name === each);
    return what === undefined ? [] : [[`the condition ${each}`, { what: [what] }] as const];
  }),
  ['a stored file that was not what it was', { aside: 1 }],
  ['what was not what was promised', { tampered: [{ index: 'main', things: 1 }] }],
  ['damaged state', { indexes: [index({ lastError: failed('state', 0), refusesAll: true })] }],
  ['an upstream that nothing was heard of', { indexes: [index({ lastRefresh: undefined, roles: [] })] }],
  ['a silent upstream', { indexes: [index({ silent: true })] }],
  ['an upstream that is not believed', { indexes: [index({ lastError: failed('rollback') })] }],
  ['an upstream that is away for a day', { indexes: [index({ lastRefresh: NOW - DAY, lastError: failed('slow') })] }],
  ['a root that ends soon', { indexes: [index({ roles: [role('root', NOW + DAY)] })] }],
];

describe('every place says the same', () => {
  const config = loadConfig({ env: {} });

  it.each(EVERYTHING)('of %s', async (_, about) => {
    const facts = factsOf(about);
    const health = createHealth({ config, facts: async () => facts, startedAt: known.startedAt });
    const look = await health.look();
    const { holds, says, troubles } = look.verdict;
    const breaking = troubles.filter(({ breaks }) => breaks);
    const besides = troubles.filter(({ breaks }) => !breaks);
    const told = (all: typeof troubles) =>
      all.map(({ what, index: of, says: message, next }) => ({ what, index: of === '' ? null : of, message, next }));

    const monitor = await health.verdict();
    expect([monitor.holds, monitor.json]).toMatchObject([
      holds,
      { holds, says, findings: told(breaking), toKnow: told(besides) },
    ]);
    for (const { says: sentence, next } of troubles) {
      expect(monitor.lines.join('\n')).toContain(sentence);
      expect(monitor.lines.join('\n')).toContain(next);
    }
    const page = healthView(look, { version: '1', startedAt: known.startedAt });
    expect(page).toMatchObject({ holds, findings: breaking, besides });
    expect(await health.devpiStatus()).toMatchObject({
      metrics: [
        ['verbatim_promise_holds', 'gauge', holds ? 1 : 0],
        ['verbatim_promise_findings', 'gauge', breaking.length],
        ['verbatim_promise_to_know', 'gauge', besides.length],
      ],
    });
    expect(holds).toBe(breaking.length === 0);
    expect(troubles.length === 0).toBe(says === 'All is well.');
  });
});
