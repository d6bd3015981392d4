import { expect, it } from 'vitest';
import { type Answer, type AnswerLog, faultsOfAnswers } from '../../support/answer-checker.ts';

// What the checker of answers finds wrong, and what it does not.

const SNAPSHOTS: AnswerLog['snapshots'] = new Map([
  [
    'main',
    [1, 2, 3].map((version) => ({
      version,
      things: new Map([
        ['timestamp', [`timestamp ${version}`]],
        ['page', [`page ${Math.min(version, 2)}`]],
      ]),
    })),
  ],
]);

const answer = (replica: string, from: number, sha256: string, more: Partial<Answer> = {}): Answer => ({
  replica,
  index: 'main',
  from,
  until: from + 10,
  thing: sha256.split(' ')[0] ?? '',
  sha256,
  ...more,
});
const ALWAYS: AnswerLog['together'] = [[-10_000, 10_000]];
const faults = (answers: readonly Answer[], together = ALWAYS) =>
  faultsOfAnswers({ answers, snapshots: SNAPSHOTS, together, withinMs: 1000 }).length;

it.each<readonly [string, readonly Answer[], number]>([
  ['what was signed, ever newer', [answer('one', 0, 'timestamp 1'), answer('one', 20, 'timestamp 2')], 0],
  ['bytes that nobody signed', [answer('one', 0, 'timestamp 4')], 1],
  ['bytes of another version than is said', [answer('one', 0, 'timestamp 1', { version: 2 })], 1],
  ['bytes of something else', [answer('one', 0, 'page 1', { thing: 'timestamp' })], 1],
  ['of another index', [answer('one', 0, 'timestamp 1', { index: 'other' })], 1],
  ['one replica that goes back', [answer('one', 0, 'timestamp 2'), answer('one', 20, 'timestamp 1')], 1],
  ['answers of one replica that cross', [answer('one', 0, 'timestamp 2'), answer('one', 5, 'timestamp 1')], 0],
  ['another that is behind for a while', [answer('one', 0, 'timestamp 2'), answer('two', 900, 'timestamp 1')], 0],
  ['another that is behind for longer', [answer('one', 0, 'timestamp 2'), answer('two', 1100, 'timestamp 1')], 1],
  ['a page that did not change since', [answer('one', 0, 'page 2'), answer('two', 2000, 'page 2')], 0],
])('%s', (_, answers, count) => {
  expect(faults(answers)).toBe(count);
});

it('replicas that cannot hear of each other may be apart, and each by itself goes not back', () => {
  const apart = [answer('one', 0, 'timestamp 2'), answer('two', 3000, 'timestamp 1')];
  expect(faults(apart, [])).toBe(0);
  expect(faults(apart, [[-500, 10_000]])).toBe(0);
  expect(faults([...apart, answer('one', 3000, 'timestamp 1')], [])).toBe(1);
});
