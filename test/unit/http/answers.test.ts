import { describe, expect, it } from 'vitest';
import { REASONS, Refusal, type Subject } from '../../../src/bytes/refusal.ts';
import { MAX_PHRASE } from '../../../src/http/reply/answers.ts';
import { problemHeaders } from '../../../src/http/reply/headers.ts';
import { answerTo } from '../../../src/http/reply/problems.ts';

const SUBJECTS: readonly (Subject | undefined)[] = [
  undefined,
  'root',
  'timestamp',
  'snapshot',
  'targets',
  'delegated',
  'page',
  'list',
  'file',
  'core-metadata',
  'target',
  'state',
  'request',
];
const HOSTILE = `bad\r\nSet-Cookie: a=b\u001b[31m\u2028 \ud800 ${'x'.repeat(10_000)}`;

const all = REASONS.flatMap((reason) =>
  SUBJECTS.flatMap((subject) =>
    [true, false].map((transient) => ({
      reason,
      subject,
      transient,
      answer: answerTo(new Refusal(reason, HOSTILE, { subject, transient })),
    })),
  ),
);

describe('every reason about every subject', () => {
  it('has a status of the contract, never 504, 500 or a success', () => {
    for (const { answer } of all) expect([400, 403, 404, 501, 502, 503]).toContain(answer.status);
  });

  it('has a reason phrase that is one plain ASCII line, as pip prints it', () => {
    for (const { answer } of all) {
      expect(answer.phrase).toMatch(/^[\x20-\x7e]+$/);
      expect(answer.phrase.length).toBeLessThanOrEqual(MAX_PHRASE);
      expect(answer.phrase).not.toContain('THING');
    }
  });

  it('has Retry-After from 1 to 5 with 503, and never else', () => {
    for (const { answer } of all)
      if (answer.status === 503) expect([1, 2, 5]).toContain(answer.retryAfter);
      else expect(answer.retryAfter).toBeUndefined();
  });

  it('says what is full where it is busy, unless that is our own state', () => {
    const full = 'Too many files are being downloaded at this moment. Try again in a moment.';
    const answer = answerTo(new Refusal('limit', full, { subject: 'file', transient: true }));
    expect(answer.phrase).toBe('Verbatim is busy: too many files are being downloaded at this moment');
    expect(answer.detail).toBe(full);
    const state = answerTo(new Refusal('limit', 'No room for /srv/data.', { subject: 'state', transient: true }));
    expect(state.phrase + state.detail).not.toContain('srv');
  });

  it('spreads the retries of those who are refused together', () => {
    const answer = answerTo(new Refusal('limit', 'Full.', { transient: true }));
    const times = new Set<string | undefined>();
    for (let at = 0; at < 300; at++) {
      const headers = problemHeaders(undefined, answer, 0);
      times.add(headers[headers.indexOf('Retry-After') + 1]);
    }
    expect([...times].toSorted()).toEqual(['1', '2', '3', '4']);
  });

  it('has a bounded detail of one line, whatever upstream wrote', () => {
    for (const { answer } of all) {
      expect(answer.detail.length).toBeLessThan(900);
      expect(answer.detail.isWellFormed()).toBe(true);
      expect(answer.detail).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }
  });

  it('may be kept only where a project is provably absent', () => {
    for (const { reason, subject, answer } of all)
      expect(answer.maxAge !== undefined).toBe(reason === 'unlisted' && subject === 'page');
  });

  it('is stored by no cache else', () => {
    for (const { answer } of all) {
      const headers = problemHeaders(undefined, answer, 0);
      const stored = headers[headers.indexOf('Cache-Control') + 1];
      expect(stored).toBe(answer.maxAge === undefined ? 'no-store' : `max-age=${answer.maxAge}`);
    }
  });

  it('is never 404 unless the index was read and does not list it', () => {
    for (const { reason, answer } of all) if (answer.status === 404) expect(reason).toBe('unlisted');
  });

  it('keeps words that may name our surroundings to itself', () => {
    for (const reason of ['unreachable', 'slow', 'redirect', 'foreign', 'state', 'offline', 'limit'] as const)
      expect(answerTo(new Refusal(reason, 'at /srv/data on 10.0.0.1')).detail).not.toMatch(/srv|10\.0/);
  });

  it.each([
    ['unlisted', 'page', 404],
    ['unlisted', 'file', 404],
    ['policy', 'file', 403],
    ['forbidden', 'file', 403],
    ['forbidden', 'core-metadata', 403],
    ['forbidden', 'page', 502],
    ['forbidden', 'list', 502],
    ['forbidden', 'timestamp', 502],
    ['policy', 'list', 501],
    ['digest', 'file', 502],
    ['threshold', 'targets', 502],
    ['rollback', 'snapshot', 502],
    ['mix-and-match', 'delegated', 502],
    ['unreachable', 'page', 503],
    ['expired', 'timestamp', 503],
    ['clock', undefined, 503],
    ['offline', 'file', 503],
    ['state', 'state', 503],
    ['format', 'request', 400],
  ] as const)('%s of %s is %i', (reason, subject, status) => {
    expect(answerTo(new Refusal(reason, 'x', { subject })).status).toBe(status);
  });

  it('a rule that can say nothing now is no verdict, and says when to come again', () => {
    for (const retryIn of [7, undefined]) {
      const refusal = new Refusal('policy', 'It cannot be had now.', { subject: 'file', transient: true, retryIn });
      const answer = answerTo(refusal, 'file');
      expect([answer.status, answer.reason, answer.retryAfter]).toEqual([503, 'policy', retryIn ?? 1]);
      expect(answer.detail).toContain('It cannot be had now.');
      expect(answer.phrase).not.toContain('holds back');
    }
  });

  it.each([
    ['digest', 'file', 403],
    ['changed', 'core-metadata', 403],
    // The file's role or page was refused, and it is the file that was asked for.
    ['threshold', 'delegated', 403],
    ['regressed', 'page', 403],
    ['forbidden', 'page', 403],
    // The next try may bring the rest of it.
    ['truncated', 'file', 502],
    ['unreachable', 'file', 503],
    ['unlisted', 'file', 404],
  ] as const)('%s of %s is %i to whoever asks for a file or its core metadata', (reason, subject, status) => {
    for (const route of ['file', 'core-metadata'] as const)
      expect(answerTo(new Refusal(reason, 'x', { subject }), route).status).toBe(status);
  });

  it('is never a 4xx of a refused page or list, which would send an installer to its next index', () => {
    for (const { reason, subject } of all)
      if (reason !== 'policy' && reason !== 'unlisted' && (subject === 'page' || subject === 'list'))
        for (const route of ['page', 'list'] as const)
          expect(answerTo(new Refusal(reason, 'x', { subject }), route).status).toBeGreaterThanOrEqual(500);
  });

  it('is 503 of a file that may be right a moment later', () => {
    const answer = answerTo(new Refusal('digest', 'x', { subject: 'file', transient: true }), 'file');
    expect([answer.status, answer.retryAfter]).toEqual([503, 1]);
  });

  it('reads as a sentence', () => {
    expect(answerTo(new Refusal('digest', 'x', { subject: 'file' })).phrase).toBe(
      'Verbatim refused this file: digest mismatch',
    );
  });
});
