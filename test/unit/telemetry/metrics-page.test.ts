import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allMetrics, metricsPage } from '../../../scripts/metrics-table.ts';

it('docs/metrics.md is what the program says (npm run metrics)', () => {
  expect(readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8')).toBe(metricsPage());
});

describe.each(allMetrics())('$name', ({ name, kind, help }) => {
  it('has our prefix, a base unit and an ending that says what it is', () => {
    expect(name).toMatch(/^verbatim_[a-z_]+$/);
    expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|days|kilobytes|mb|percent)(_|$)/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    if (kind === 'histogram') expect(name).toMatch(/_seconds$/);
  });

  it('says in a sentence what it is', () => {
    expect(help).toMatch(/^[0-9A-Z].*\.$/s);
    expect(help).not.toMatch(/^Those|of those|of that disk/);
  });
});
