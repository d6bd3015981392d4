import { describe, expect, it } from 'vitest';
import { MAX_ID, MAX_RECORD } from '../../../src/advisories/limits.ts';
import { readAdvisory, timeOf } from '../../../src/advisories/record.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { versionKey } from '../../../src/pypi/versions.ts';
import { advisory, range } from '../../support/advisories.ts';

const read = (record: unknown) => readAdvisory(Buffer.from(JSON.stringify(record)));
const refusal = (record: unknown) => {
  try {
    return read(record);
  } catch (error) {
    return error instanceof Refusal ? error.reason : error;
  }
};
const demo = (affected: object, more: object = {}) => advisory('PYSEC-2026-1', 'Demo.Project', affected, more);

describe('an advisory', () => {
  it('is read with what it says of Python packages, names normalized and versions in one spelling', () => {
    const other = { package: { ecosystem: 'npm', name: 'demo' }, versions: ['1'] };
    const affected = [
      { package: { ecosystem: 'PyPI', name: 'Demo.Project' }, versions: ['1.0', '1.0.0', 'v2'] },
      other,
    ];
    const more = { affected, aliases: ['CVE-2026-1'], summary: 'One line\nand another' };
    expect(read(demo({}, more))).toEqual({
      id: 'PYSEC-2026-1',
      modified: '2026-03-24T15:35:00Z',
      modifiedAt: timeOf('2026-03-24T15:35:00Z'),
      withdrawn: false,
      aliases: ['CVE-2026-1'],
      summary: 'One line',
      affected: [{ project: 'demo-project', versions: ['1.0', '2'].map(versionKey), ranges: [], all: false }],
    });
  });

  it.each([
    ['no id', { id: undefined }],
    ['an id that is no word', { id: '../x' }],
    ['an id without end', { id: `A-${'1'.repeat(MAX_ID)}` }],
    ['a time that is none', { modified: '2026-02-30T00:00:00Z' }],
    ['a withdrawal at no time', { withdrawn: 'yes' }],
    ['affected packages that are no list', { affected: {} }],
    ['aliases that are no words', { aliases: [1] }],
  ])('with %s is refused', (_, more) => {
    expect(refusal(demo({}, more))).toBe('format');
  });

  it.each([
    ['two things in one event', [{ introduced: '0', fixed: '1' }]],
    ['nothing in an event', [{ introduced: '0' }, {}]],
    ['no event that begins it', [{ fixed: '1' }]],
    ['what fixed it beside what was affected last', [{ introduced: '0' }, { fixed: '1' }, { last_affected: '1' }]],
    ['a version that is no text', [{ introduced: 0 }]],
  ])('whose range has %s is refused', (_, events) => {
    expect(refusal(demo({ ranges: [{ type: 'ECOSYSTEM', events }] }))).toBe('format');
  });

  it('is refused where it is no JSON, something else, or has more behind it', () => {
    for (const text of ['', '{', '[]', '"x"', '{"id":"A-1"} x'])
      expect(() => readAdvisory(Buffer.from(text))).toThrow(expect.objectContaining({ reason: 'format' }));
  });

  it('that is too large, or nests too deep, is refused before it is made', () => {
    const long = Buffer.from(JSON.stringify(demo({}, { details: 'x'.repeat(MAX_RECORD) })));
    expect(() => readAdvisory(long)).toThrow(expect.objectContaining({ reason: 'limit' }));
    const deep = Buffer.from(`{"id":"A-1","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`);
    expect(() => readAdvisory(deep)).toThrow(expect.objectContaining({ reason: 'limit' }));
  });

  it('by commits alone says nothing of versions, and one that says nothing at all means every one', () => {
    const git = { ranges: [{ type: 'GIT', repo: 'https://host/x', events: [{ introduced: '0' }] }] };
    expect(read(demo(git)).affected[0]).toMatchObject({ all: false, ranges: [], versions: [] });
    expect(read(demo({})).affected[0]).toMatchObject({ all: true });
  });

  it('of what is no project name speaks of nothing', () => {
    expect(read(advisory('A-1', '../x', {})).affected).toEqual([]);
  });

  it('may have fractions of a second in its times', () => {
    expect(read(demo(range({ introduced: '0' }), { modified: '2026-03-24T15:35:00.123456Z' })).modifiedAt).toBe(
      timeOf('2026-03-24T15:35:00Z'),
    );
  });
});
