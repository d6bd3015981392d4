import { describe, expect, it } from 'vitest';
import { judgePage } from '../../../src/policy/judge.ts';
import type { Action, PageWords, Rule, Word } from '../../../src/policy/rule.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

// Of all that rules say of a file the strictest word counts.

const NOW = 1_800_000_000;
const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';

const file = (filename: string): readonly [string, JudgedFile] => [
  filename,
  { path: filename, entry: { filename, digests: new Map() } },
];
const PAGE: JudgedPage = { name: 'alpha', files: new Map([file(OLD), file(NEW)]) };

const word = (action: Action, why = action as string, until?: number): Word => ({
  action,
  sentence: (name) => `${name}: ${why}`,
  until,
});
const rule = (name: string, words: PageWords, first = false): Rule => ({
  name,
  version: '1',
  first,
  page: () => words,
});
const onNew = (name: string, said: Word, first = false) => rule(name, { files: new Map([[NEW, said]]) }, first);

function judged(...rules: readonly Rule[]) {
  const verdict = judgePage(rules, { page: PAGE, pins: new Map(), facts: {}, now: NOW });
  const of = verdict.files.get(NEW) ?? verdict.others;
  const refused = of.action === 'serve' ? undefined : { rule: of.rule, why: of.refusal(NEW).message };
  return { verdict, action: of.action, until: of.until, ...refused };
}

describe('the strictest word', () => {
  it('is that of the rule which denies, before one that hides, before one that reports', () => {
    expect(judged(onNew('a', word('hide')), onNew('b', word('deny')), onNew('c', word('report')))).toMatchObject({
      action: 'deny',
      rule: 'b',
      why: `${NEW}: deny`,
    });
    expect(judged(onNew('c', word('report')), onNew('a', word('hide')))).toMatchObject({ action: 'hide', rule: 'a' });
  });

  it('is that of what comes first, however strict the others are', () => {
    const both = [onNew('b', word('deny')), onNew('quarantine', word('hide'), true)];
    for (const rules of [both, both.toReversed()])
      expect(judged(...rules)).toMatchObject({ action: 'hide', rule: 'quarantine' });
  });

  it('is what is decided before what cannot be said now, and that is told as an answer which may change in a moment', () => {
    const open = { ...word('deny', 'open'), again: 7 };
    expect(judged(onNew('a', open), onNew('b', word('hide')))).toMatchObject({ action: 'hide', rule: 'b' });
    const { verdict } = judged(onNew('a', open), onNew('b', word('report')));
    const of = verdict.files.get(NEW);
    expect(of?.action === 'deny' && of.refusal(NEW)).toMatchObject({ reason: 'policy', transient: true, retryIn: 7 });
    const last = judged(onNew('b', word('hide'))).verdict.files.get(NEW);
    expect(last?.action === 'hide' && last.refusal(NEW)).toMatchObject({ transient: false, retryIn: undefined });
  });

  it('holds where one rule speaks of the file and another of all files', () => {
    expect(judged(onNew('a', word('hide')), rule('all', { others: word('deny') }))).toMatchObject({ rule: 'all' });
    expect(judged(onNew('a', word('deny')), rule('all', { others: word('hide') }))).toMatchObject({ rule: 'a' });
  });

  it('of one rule is the word on the file, not that on all others', () => {
    const words = { files: new Map([[NEW, word('report')]]), others: word('hide') };
    const { verdict } = judged(rule('a', words));
    expect(verdict.files.get(NEW)?.action).toBe('serve');
    expect(verdict.others.action).toBe('hide');
  });

  it('of two alike gives the reason that lasts longer, and is asked again when the first of them ends', () => {
    const rules = [onNew('soon', word('hide', 'young', NOW + 10)), onNew('never', word('hide', 'bad'))];
    expect(judged(...rules)).toMatchObject({ rule: 'never', until: NOW + 10 });
    expect(judged(...rules.toReversed())).toMatchObject({ rule: 'never', until: NOW + 10 });
  });

  it('names its rule in the refusal', () => {
    const denied = judged(onNew('a', word('hide'))).verdict.files.get(NEW);
    if (denied === undefined || denied.action === 'serve') throw new Error('the file is served');
    expect(denied.refusal(NEW)).toMatchObject({
      reason: 'policy',
      subject: 'file',
      ruled: { rule: 'a', project: 'alpha', file: NEW, until: undefined },
    });
  });
});

describe('what only reports', () => {
  it('changes nothing, and is told with all the rest', () => {
    const { action, verdict } = judged(onNew('a', word('report', 'odd')), rule('b', { others: word('hide', 'no') }));
    expect(action).toBe('hide');
    const told = verdict.told.map(({ rule, action, filename, sentence }) => [rule, action, filename, sentence(NEW)]);
    expect(told).toEqual([
      ['b', 'hide', undefined, `${NEW}: no`],
      ['a', 'report', NEW, `${NEW}: odd`],
    ]);
  });

  it('serves where nothing else is said, and is asked again when it changes its word', () => {
    expect(judged(onNew('a', word('report', 'odd', NOW + 5)))).toMatchObject({ action: 'serve', until: NOW + 5 });
  });
});

it('a page is judged again when a rule wants it, whatever the rule says now', () => {
  expect(judged(rule('a', { until: NOW + 7 })).verdict.others).toEqual({ action: 'serve', until: NOW + 7 });
  expect(judged().verdict.others).toEqual({ action: 'serve' });
});
