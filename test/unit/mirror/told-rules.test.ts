import { expect, it } from 'vitest';
import { sumsOf, ToldRules } from '../../../src/mirror/policy/told-rules.ts';
import type { Event } from '../../../src/ports/events.ts';
import type { RuleWord } from '../../../src/ports/policy.ts';

// What rules say of a page is told once a change.

const word = (rule: string, action: RuleWord['action'], filename?: string): RuleWord => ({
  rule,
  action,
  filename,
  sentence: (name) => `${name}: ${rule}.`,
  until: undefined,
});

it('is added up by rule, with the sentence of the first file', () => {
  const told = [word('age', 'hide', 'a'), word('age', 'hide', 'b'), word('age', 'report', 'c'), word('names', 'deny')];
  expect(sumsOf(told, 'alpha', 5)).toEqual([
    { rule: 'age', action: 'hide', files: 2, why: 'a: age.' },
    { rule: 'age', action: 'report', files: 1, why: 'c: age.' },
    { rule: 'names', action: 'deny', files: 5, why: 'alpha: names.' },
  ]);
});

it('is told where it is new or another, and where it is over', () => {
  const events: Event[] = [];
  const told = new ToldRules({ index: 'main', emit: (event) => void events.push(event) });
  const put = (...words: readonly RuleWord[]) => {
    told.put('alpha', sumsOf(words, 'alpha', 5));
    return events.splice(0).map((event) => (event.name === 'ruled' ? [event.rule, event.action, event.files] : []));
  };
  expect(put()).toEqual([]);
  expect(put(word('age', 'hide', 'a'))).toEqual([['age', 'hide', 1]]);
  expect(put(word('age', 'hide', 'a'))).toEqual([]);
  expect(put(word('age', 'hide', 'a'), word('age', 'hide', 'b'))).toEqual([['age', 'hide', 2]]);
  expect(put(word('names', 'report', 'b'))).toEqual([
    ['names', 'report', 1],
    ['age', 'hide', 0],
  ]);
  expect(put()).toEqual([['names', 'report', 0]]);
});
