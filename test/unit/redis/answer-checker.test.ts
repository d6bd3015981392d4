import { expect, it } from 'vitest';
import { AnswerBook, thingsOf } from '../../support/answer-book.ts';
import { type Answer, type AnswerLog, faultsOfAnswers } from '../../support/answer-checker.ts';

// What the checker of answers finds wrong, and what it does not.

const SNAPSHOTS: AnswerLog['snapshots'] = new Map([
  [
    'main',
    [1, 2, 3].map((version) => ({
      version,
      since: version === 3 ? 500 : -20_000,
      things: new Map([
        ['timestamp', [`timestamp ${version}`]],
        ['page', [`page ${Math.min(version, 2)}`]],
        ['status', [version === 2 ? 'status red' : 'status green']],
      ]),
    })),
  ],
  ['other', [{ version: 1, since: -20_000, things: new Map([['page', ['page 1']]]) }]],
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
  ['what upstream has only later', [answer('one', 0, 'timestamp 3')], 1],
  ['what upstream has by the time of the answer', [answer('one', 495, 'timestamp 3')], 0],
  ['a page older than the timestamp before it', [answer('one', 0, 'timestamp 2'), answer('one', 20, 'page 1')], 1],
  ['a timestamp older than the page before it', [answer('one', 0, 'page 2'), answer('one', 20, 'timestamp 1')], 1],
  ['a page as old as the timestamp before it', [answer('one', 0, 'timestamp 1'), answer('one', 20, 'page 1')], 0],
  [
    'what comes back',
    [answer('one', 0, 'status green'), answer('one', 20, 'status red'), answer('one', 600, 'status green')],
    0,
  ],
  ['what comes back too early', [answer('one', 0, 'status red'), answer('one', 20, 'status green')], 1],
  ['an index of which nothing is known', [answer('one', 0, 'timestamp 1', { index: 'none' })], 1],
  [
    'two indexes, each by itself',
    [answer('one', 0, 'timestamp 2'), answer('one', 20, 'page 1', { index: 'other' })],
    0,
  ],
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

const WHEEL = { filename: 'alpha-1.0-py3-none-any.whl', bytes: Buffer.from('what a wheel is') };
const SHA256 = thingsOf([WHEEL]).get(WHEEL.filename)?.[0] ?? '';
const fileAs = (sha256: string) => async () => ({ thing: WHEEL.filename, sha256 });

it('a book holds where what was asked for came, and not by one wrong byte, nor before upstream had it', async () => {
  const book = new AnswerBook();
  await book.answer('one', 'main', async () => undefined);
  book.published('main', 1, thingsOf([WHEEL]));
  await book.answer('one', 'main', fileAs(SHA256));
  book.holds(0);
  expect(() => book.holds(1)).toThrow('greater than 1');
  await book.answer('one', 'main', fileAs(SHA256.replaceAll('a', 'b')));
  expect(() => book.holds(0)).toThrow('deeply equal');
  const early = new AnswerBook();
  await early.answer('one', 'main', fileAs(SHA256));
  await new Promise((resolve) => setImmediate(resolve));
  early.published('main', 1, thingsOf([WHEEL]));
  expect(faultsOfAnswers(early.log)).toHaveLength(1);
});

it('a book knows when replicas could hear of each other', () => {
  const book = new AnswerBook();
  expect(book.log.together).toEqual([]);
  book.together();
  book.together();
  expect(book.log.together).toHaveLength(1);
  book.apart();
  book.apart();
  const [before] = book.log.together;
  book.together();
  expect(book.log.together).toHaveLength(2);
  expect(book.log.together[0]).toEqual(before);
});
