import { describe, expect, it } from 'vitest';
import { exceptionOf, rulesOf } from '../../../src/policy/compile.ts';
import type { Exception } from '../../../src/policy/exceptions.ts';
import { judgePage } from '../../../src/policy/judge.ts';
import type { PolicySettings } from '../../../src/policy/settings.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

// A file is served once it has been there for long enough, counted from what nobody can move.

const DAY = 86_400;
const NOW = Date.UTC(2026, 10, 26, 12) / 1000;
const WHEEL = 'alpha-2.0-py3-none-any.whl';
const OTHER = 'alpha-1.0-py3-none-any.whl';
const at = (days: number) => new Date((NOW - days * DAY) * 1000).toISOString();

interface Given {
  /** Days ago, as its page says now. */
  readonly uploaded?: number | undefined;
  readonly pin?: Partial<Pin> | undefined;
}

function page(files: Readonly<Record<string, Given>>): { readonly page: JudgedPage; readonly pins: Map<string, Pin> } {
  const judged = Object.entries(files).map(([filename, { uploaded }]): readonly [string, JudgedFile] => [
    filename,
    {
      path: filename,
      entry: { filename, digests: new Map(), uploadTime: uploaded === undefined ? undefined : at(uploaded) },
    },
  ]);
  const pins = Object.entries(files).flatMap(([filename, { pin }]): readonly (readonly [string, Pin])[] =>
    pin === undefined ? [] : [[filename, { digests: new Map(), seen: NOW, ...pin }]],
  );
  return { page: { name: 'alpha', files: new Map(judged) }, pins: new Map(pins) };
}

const settings = (more: Partial<NonNullable<PolicySettings['minimumAge']>>, rest: Partial<PolicySettings> = {}) =>
  rulesOf({
    minimumAge: { files: 7 * DAY, projects: 0, since: undefined, action: 'hide', fixes: 'wait', ...more },
    missingUploadTime: 'omit',
    projects: [],
    names: undefined,
    conditions: [],
    exceptions: [],
    ...rest,
  });

function judged(files: Readonly<Record<string, Given>>, rules = settings({}), exceptions: readonly Exception[] = []) {
  const verdict = judgePage(rules, { ...page(files), facts: {}, now: NOW }, exceptions);
  const of = verdict.files.get(WHEEL) ?? verdict.others;
  return {
    action: of.action,
    until: of.until,
    why: of.action === 'serve' ? undefined : of.refusal(WHEEL).message,
    told: verdict.told.map(({ rule, action, sentence }) => `${rule}: ${action}: ${sentence(WHEEL)}`),
  };
}

const seen = (days: number): Partial<Pin> => ({ seen: NOW - days * DAY });

describe('the age of a file', () => {
  it('is counted from when upstream says that it was uploaded, as that was stated first', () => {
    const pin = { seen: NOW, uploadTime: at(2) };
    expect(judged({ [WHEEL]: { uploaded: 2, pin } })).toMatchObject({
      action: 'hide',
      until: NOW + 5 * DAY,
      why: `${WHEEL} was uploaded at 2026-11-24T12:00:00Z, as upstream says; this mirror waits for 7 days: it is served from 2026-12-01T12:00:00Z on.`,
    });
    expect(judged({ [WHEEL]: { uploaded: 8, pin: { ...seen(0), uploadTime: at(8) } } }).action).toBe('serve');
  });

  it('is counted from when its page was last seen without it, where that is later', () => {
    const pin = { seen: NOW, absent: NOW - DAY, uploadTime: at(30) };
    expect(judged({ [WHEEL]: { uploaded: 30, pin } })).toMatchObject({
      action: 'hide',
      until: NOW + 6 * DAY,
      why: expect.stringContaining('was not on its page yet at 2026-11-25T12:00:00Z'),
    });
    const late = { seen: NOW, absent: NOW - 20 * DAY, uploadTime: at(8) };
    expect(judged({ [WHEEL]: { uploaded: 8, pin: late } }).action).toBe('serve');
  });

  it('does not grow by an earlier time that is stated later, which is told', () => {
    const pin = { ...seen(2), uploadTime: at(2) };
    const { action, until, told } = judged({ [WHEEL]: { uploaded: 300, pin } });
    expect([action, until]).toEqual(['hide', NOW + 5 * DAY]);
    expect(told).toContainEqual(expect.stringMatching(/^upload-time: report: .* the first word counts\.$/));
  });

  it('is counted from the first sight where no time is stated, or one that cannot be true', () => {
    for (const uploadTime of [undefined, at(-400), 'yesterday', ''])
      expect(judged({ [WHEEL]: { pin: { ...seen(3), uploadTime } } })).toMatchObject({
        until: NOW + 4 * DAY,
        why: expect.stringContaining('was first seen here at 2026-11-23T12:00:00Z'),
      });
  });

  it('cannot be told of what was never seen and states no time: it is held back, and no end is promised', () => {
    expect(judged({ [WHEEL]: {} })).toMatchObject({
      action: 'hide',
      until: undefined,
      why: expect.stringContaining('no age that can be told'),
    });
    expect(judged({ [WHEEL]: { uploaded: 8 } }).action).toBe('serve');
  });

  it('is of the file and not of its release', () => {
    const files = {
      'alpha-2.0.tar.gz': { uploaded: 100, pin: { ...seen(90), uploadTime: at(100) } },
      [WHEEL]: { uploaded: 1, pin: { ...seen(1), uploadTime: at(1) } },
    };
    expect(judged(files).action).toBe('hide');
  });

  it('ends in the very second that is announced', () => {
    const pin = { ...seen(7), uploadTime: at(7) };
    expect(judged({ [WHEEL]: { uploaded: 7, pin } }).action).toBe('serve');
    const later = { ...seen(7), uploadTime: at(7 - 1 / DAY) };
    expect(judged({ [WHEEL]: { uploaded: 7, pin: later } })).toMatchObject({ action: 'hide', until: NOW + 1 });
  });
});

describe('what was there before the line in the sand', () => {
  it('is served however young, and nothing else is', () => {
    const rules = settings({ since: NOW - 3 * DAY });
    expect(judged({ [WHEEL]: { pin: { ...seen(4), uploadTime: at(4) } } }, rules).action).toBe('serve');
    expect(judged({ [WHEEL]: { pin: { ...seen(2), uploadTime: at(2) } } }, rules).action).toBe('hide');
  });
});

describe('a project', () => {
  const old = { [OTHER]: { pin: { ...seen(40), uploadTime: at(40) } } };
  const young = { [WHEEL]: { pin: { ...seen(1), uploadTime: at(1) } } };

  it('that is new is held back whole, until its oldest file has been there for long enough', () => {
    const rules = settings({ files: 0, projects: 30 * DAY });
    const { action, until, why } = judged(young, rules);
    expect([action, until]).toEqual(['hide', NOW + 29 * DAY]);
    expect(why).toContain('is of a project that is new');
    expect(judged({ ...old, ...young }, rules).action).toBe('serve');
  });

  it('can have an age of its own, the first that matches', () => {
    const projects = [
      { match: 'al*', minimumAge: 0 },
      { match: '*', minimumAge: 90 * DAY },
    ];
    expect(judged(young, settings({}, { projects })).action).toBe('serve');
    expect(judged(young, settings({}, { projects: projects.slice(1) })).until).toBe(NOW + 89 * DAY);
  });
});

describe('an exception', () => {
  const young = { [WHEEL]: { pin: { ...seen(1), uploadTime: at(1) } } };
  const given = (more: Partial<PolicySettings['exceptions'][number]>) =>
    exceptionOf({ project: 'alpha', file: undefined, rule: undefined, reason: 'ticket 7', until: undefined, ...more });

  it('lets a project, a version or a file pass, and says so', () => {
    for (const more of [{}, { project: 'alpha ==2.0' }, { file: WHEEL }, { rule: 'minimum age' }]) {
      const { action, told } = judged(young, settings({}), [given(more)]);
      expect(action).toBe('serve');
      expect(told).toEqual([expect.stringContaining('An exception lets it pass: ticket 7.')]);
    }
  });

  it('lets nothing else pass', () => {
    for (const more of [{ project: 'beta' }, { project: 'alpha <2' }, { file: OTHER }, { rule: 'names' }])
      expect(judged(young, settings({}), [given(more)]).action).toBe('hide');
  });

  it('ends, and the page is judged again then', () => {
    expect(judged(young, settings({}), [given({ until: NOW + 60 })])).toMatchObject({
      action: 'serve',
      until: NOW + 60,
    });
    expect(judged(young, settings({}), [given({ until: NOW })]).action).toBe('hide');
  });

  it('of one file is enough where all of its project is held back', () => {
    const rules = settings({ files: 0, projects: 30 * DAY });
    expect(judged(young, rules, [given({ file: WHEEL })]).action).toBe('serve');
    expect(judged(young, rules, [given({ file: OTHER })]).action).toBe('hide');
  });
});

it('an age that is denied, or only told, is so', () => {
  const young = { [WHEEL]: { pin: { ...seen(1), uploadTime: at(1) } } };
  expect(judged(young, settings({ action: 'deny' })).action).toBe('deny');
  const told = judged(young, settings({ action: 'report' }));
  expect([told.action, told.told.length]).toEqual(['serve', 1]);
});

describe('what upstream removed', () => {
  const [rule] = settings({});
  const was = (pin: Partial<Pin>) => ({ pin: { digests: new Map(), seen: NOW, ...pin }, now: NOW });

  it('while it was young is as young as it was, and no older for having gone', () => {
    expect(rule?.unlisted?.('alpha', WHEEL, {}, was({ uploadTime: at(2) }))).toMatchObject({
      action: 'hide',
      until: NOW + 5 * DAY,
    });
    expect(rule?.unlisted?.('alpha', WHEEL, {}, was({ seen: NOW - 3 * DAY }))).toMatchObject({ until: NOW + 4 * DAY });
  });

  it('when it was old enough is no matter of age, nor is what was never listed', () => {
    expect(rule?.unlisted?.('alpha', WHEEL, {}, was({ uploadTime: at(8) }))).toBeUndefined();
    expect(rule?.unlisted?.('alpha', WHEEL, {})).toBeUndefined();
    const [own] = settings({}, { projects: [{ match: 'alpha', minimumAge: 0 }] });
    expect(own?.unlisted?.('alpha', WHEEL, {}, was({ uploadTime: at(2) }))).toBeUndefined();
  });
});
