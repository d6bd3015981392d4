import { describe, expect, it } from 'vitest';
import type { Digests } from '../../../src/bytes/digest.ts';
import type { Observation } from '../../../src/mirror/believed.ts';
import {
  contradicts,
  contradictsCoreMetadata,
  extended,
  firstPin,
  givesWay,
  isConfirmable,
  replacement,
  seenWithout,
} from '../../../src/mirror/projects/pin-states.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { Entry } from '../../../src/pypi/project-page.ts';

const sha256 = (letter: string): Digests => new Map([['sha256', letter.repeat(64)]]);
const sha512 = (letter: string): Digests => new Map([['sha512', letter.repeat(128)]]);
const entry = (digests: Digests, more: Partial<Entry> = {}): Entry => ({
  filename: 'a.whl',
  url: '',
  digests,
  ...more,
});

const SIGNED: Observation = { fetch: undefined, final: true, repeated: false };
const once = (fetch: string): Observation => ({ fetch, final: false, repeated: false });
const twice = (fetch: string): Observation => ({ fetch, final: false, repeated: true });
const FIRST = { now: 5, absent: undefined, joined: false };
const seen = (digests: Digests): Pin => firstPin(entry(digests), once('first'), FIRST);
const proved = (digests: Digests): Pin => ({ ...seen(digests), proved: true });
const confirmed = (digests: Digests): Pin => ({ ...proved(digests), provisional: false });

describe('the first pin of a file', () => {
  it('is provisional, and knows its fetch, where nobody signed the page', () => {
    const stated = entry(sha256('a'), { uploadTime: 'then', coreMetadata: sha256('c') });
    expect(firstPin(stated, once('first'), FIRST)).toEqual({
      digests: sha256('a'),
      seen: 5,
      coreMetadata: sha256('c'),
      provisional: true,
      fetch: 'first',
      uploadTime: 'then',
    });
  });

  it('is confirmed where signatures vouch for the page', () => {
    expect(firstPin(entry(sha256('a')), SIGNED, FIRST)).toEqual({ digests: sha256('a'), seen: 5 });
  });
});

describe('a file that was not there before', () => {
  it('knows when its page was last seen without it', () => {
    expect(firstPin(entry(sha256('a')), SIGNED, { now: 9, absent: 7, joined: true })).toMatchObject({
      seen: 9,
      absent: 7,
      joined: true,
    });
  });

  it('is held to the latest of all that tells when that was, and to nothing where it came with its project', () => {
    const known = new Map([['b.whl', { ...seen(sha256('b')), seen: 5 }]]);
    expect(seenWithout(new Map(), undefined, once('first'))).toBeUndefined();
    expect(seenWithout(known, undefined, once('later'))).toBe(5);
    expect(seenWithout(known, 8, SIGNED)).toBe(8);
    expect(seenWithout(known, undefined, { ...once('later'), before: 6 })).toBe(6);
  });
});

describe('a pin', () => {
  it('contradicts other digests, and those it has no algorithm in common with', () => {
    expect(contradicts(seen(sha256('a')), entry(sha256('a')))).toBe(false);
    expect(contradicts(seen(sha256('a')), entry(sha256('b')))).toBe(true);
    expect(contradicts(seen(sha256('a')), entry(sha512('a')))).toBe(true);
  });

  it('contradicts other core metadata only where both state some', () => {
    const pin = { ...seen(sha256('a')), coreMetadata: sha256('c') };
    expect(contradictsCoreMetadata(pin, entry(sha256('a'), { coreMetadata: sha256('d') }))).toBe(true);
    expect(contradictsCoreMetadata(pin, entry(sha256('a'), { coreMetadata: 'announced' }))).toBe(false);
    expect(contradictsCoreMetadata(seen(sha256('a')), entry(sha256('a'), { coreMetadata: sha256('d') }))).toBe(false);
  });

  it('learns algorithms and core metadata that it did not know, and never changes what it knows', () => {
    const both = new Map([...sha256('a'), ...sha512('b')]);
    const stated = entry(both, { coreMetadata: sha256('c') });
    expect(extended(seen(sha256('a')), stated, once('later'))).toEqual({
      digests: both,
      seen: 5,
      coreMetadata: sha256('c'),
    });
    expect(extended(seen(sha256('a')), entry(sha256('a')), once('later'))).toBeUndefined();
    const pin = { ...seen(sha256('a')), coreMetadata: sha256('c') };
    expect(extended(pin, entry(sha256('a'), { coreMetadata: sha256('d') }), once('later'))).toBeUndefined();
  });
});

describe('a provisional pin', () => {
  it('is confirmed by a signed page, or gives way to it', () => {
    expect(isConfirmable(seen(sha256('a')), entry(sha256('a')), SIGNED)).toBe(true);
    expect(isConfirmable(seen(sha256('a')), entry(sha256('b')), SIGNED)).toBe(false);
    expect(givesWay(seen(sha256('a')), entry(sha256('b')), SIGNED)).toBe(true);
    expect(givesWay(confirmed(sha256('a')), entry(sha256('b')), SIGNED)).toBe(false);
    expect(replacement(seen(sha256('a')), entry(sha256('b')), SIGNED, 6)).toEqual({
      digests: sha256('b'),
      seen: 6,
      absent: 5,
    });
  });

  const other = entry(sha256('b'));

  it('gives way to a page that came twice and lists other digests or other core metadata', () => {
    expect(givesWay(seen(sha256('a')), other, twice('later'))).toBe(true);
    const pin = { ...seen(sha256('a')), coreMetadata: sha256('c') };
    expect(givesWay(pin, entry(sha256('a'), { coreMetadata: sha256('d') }), twice('later'))).toBe(true);
    expect(replacement(pin, other, twice('later'), 9)).toEqual({
      digests: sha256('b'),
      seen: 9,
      absent: 5,
      provisional: true,
      fetch: 'later',
    });
  });

  it('does not give way to a page that came once, or that agrees', () => {
    expect(givesWay(seen(sha256('a')), other, once('later'))).toBe(false);
    expect(givesWay(seen(sha256('a')), entry(sha256('a')), twice('later'))).toBe(false);
  });

  it('is confirmable once its bytes were proved and another fetch, or one page twice, lists them', () => {
    const same = entry(sha256('a'));
    expect(isConfirmable(proved(sha256('a')), same, once('second'))).toBe(true);
    expect(isConfirmable(proved(sha256('a')), same, twice('first'))).toBe(true);
    expect(isConfirmable(proved(sha256('a')), same, once('first'))).toBe(false);
    expect(isConfirmable(seen(sha256('a')), same, twice('second'))).toBe(false);
  });

  it('is not confirmable by a page that lists other bytes', () => {
    expect(isConfirmable(proved(sha256('a')), other, twice('second'))).toBe(false);
  });
});

it('a confirmed pin never gives way, and has nothing left to confirm', () => {
  expect(givesWay(confirmed(sha256('a')), entry(sha256('b')), twice('later'))).toBe(false);
  expect(isConfirmable(confirmed(sha256('a')), entry(sha256('a')), twice('later'))).toBe(false);
});
