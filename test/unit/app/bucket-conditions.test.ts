import { expect, it } from 'vitest';
import { abilitiesText, bucketConditions } from '../../../src/app/bucket/conditions.ts';

const SOUND = { sound: true, faults: [] };
const RACED = { sound: false, faults: ['2 of 8 were told that they had'] };
const USAGE = { blobs: 0, bytes: 0, limit: 1, waiting: 0, dropped: 0, away: undefined };
const STATE = { place: 'mirror/ at s3', usage: USAGE, abilities: { faults: [], conditional: SOUND }, hasLease: false };

const told = (state: Partial<Parameters<typeof bucketConditions>[0]>) =>
  bucketConditions({ ...STATE, ...state }).map(({ what, message }) => `${what}: ${message}`);

it('a bucket that does all it must is nothing to know of', () => {
  expect(told({})).toEqual([]);
});

it('a bucket that is away, and files that never got there, are told', () => {
  expect(told({ usage: { ...USAGE, away: 'busy', waiting: 3 } })).toEqual([
    expect.stringMatching(/^bucket: .*3 files wait.*busy$/),
  ]);
  expect(told({ usage: { ...USAGE, dropped: 2 } })).toEqual([expect.stringMatching(/^bucket-behind: 2 files/)]);
});

it('what a bucket does not do is told in words', () => {
  const abilities = { faults: ['a file cannot be removed (403)'], conditional: SOUND };
  expect(told({ ...STATE, abilities })).toEqual([expect.stringMatching(/^bucket-unfit: .*cannot be removed \(403\)/)]);
});

it('that nobody evicts is told with its reason, and not where another service names who does', () => {
  const raced = { ...STATE, abilities: { faults: [], conditional: RACED } };
  expect(told(raced)).toEqual([expect.stringMatching(/^bucket-grows: .*2 of 8 were told/)]);
  expect(told({ ...STATE, abilities: undefined })).toEqual([
    expect.stringMatching(/^bucket-grows: .*not found out yet/),
  ]);
  expect(told({ ...raced, hasLease: true })).toEqual([]);
});

it('the start says in one line what a bucket can and cannot do', () => {
  expect(abilitiesText('b', { faults: [], conditional: SOUND })).toMatch(/holds files as it must.*agree on who evicts/);
  expect(abilitiesText('b', { faults: ['no list'], conditional: RACED })).toMatch(
    /\(no list\).*trust rests on \(2 of 8/,
  );
  expect(abilitiesText('b', { faults: ['no'], conditional: undefined })).toMatch(/conditions were not tried/);
});
