import { describe, expect, it } from 'vitest';
import { Series } from '../../../src/telemetry/series.ts';

const sums = () => new Series(() => ({ total: 0 }));

describe('a series', () => {
  it('is found again after others were counted in between', () => {
    const series = sums();
    for (const value of ['a', 'b', 'a', 'a', 'b', 'c', 'a']) series.at('first', value).total++;
    expect([...series].map(([labels, { total }]) => [labels[1], total])).toEqual([
      ['a', 4],
      ['b', 2],
      ['c', 1],
    ]);
  });

  it('without any label counts on', () => {
    const series = sums();
    for (let i = 0; i < 3; i++) series.at().total++;
    expect([...series]).toEqual([[['', '', '', ''], { total: 3 }]]);
  });

  it('that was never counted is not found, and asking for it makes none', () => {
    const series = sums();
    series.at('a');
    expect(series.find('a', 'b')).toBeUndefined();
    expect(series.find()).toBeUndefined();
    expect([...series].length).toBe(1);
  });

  it.each([0, 1, 2, 3])('differs by its label at %i alone', (at) => {
    const series = sums();
    const labels = (value: string) => ['w', 'x', 'y', 'z'].map((label, i) => (i === at ? value : label));
    const add = (value: string) => {
      const [first, second, third, fourth] = labels(value);
      series.at(first, second, third, fourth).total++;
    };
    for (const value of ['one', 'other', 'one']) add(value);
    expect([...series].map(([found, { total }]) => [found, total])).toEqual([
      [labels('one'), 2],
      [labels('other'), 1],
    ]);
  });
});
