import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { LineShares } from '../../../src/disk/records/line-shares.ts';

// Loaded so, because the bundler of the tests does not know it.
const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite');

const JOURNAL = 1;

function journalOf(lines: readonly { readonly project: string; readonly size: number }[]) {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE line (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, content TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO line (kind, content) VALUES (?, ?)');
  for (const { project, size } of lines)
    insert.run(JOURNAL, JSON.stringify({ index: 'main', project, reason: 'x'.repeat(size) }));
  return new LineShares(database, JOURNAL, 'project');
}

describe('lines that leave where there are too many', () => {
  it('are the oldest of whoever has most, and never those of who has one', () => {
    const flapping = Array.from({ length: 20 }, () => ({ project: 'flapping', size: 100 }));
    const shares = journalOf([{ project: 'calm', size: 100 }, ...flapping]);
    expect(shares.follow()).toBe(true);
    const gone = [...shares.leaving(1000)].map(({ id }) => id);
    // Line 1 is the calm project's, and the oldest of all.
    expect(gone).not.toContain(1);
    expect(gone).toEqual(gone.map((_, at) => at + 2));
    // A later call goes on where this one ended.
    expect([...shares.leaving(1)].map(({ id }) => id)).toEqual([2 + gone.length]);
  });

  it('come from each in turn where several have as much', () => {
    const shares = journalOf(Array.from({ length: 8 }, (_, at) => ({ project: `p${at % 2}`, size: 100 })));
    shares.follow();
    const gone = [...shares.leaving(500)].map(({ id }) => id % 2);
    expect(gone.filter((odd) => odd === 1).length).toBeGreaterThan(0);
    expect(gone.filter((odd) => odd === 0).length).toBeGreaterThan(0);
  });

  it('are all there are where that is not enough', () => {
    const shares = journalOf([{ project: 'only', size: 10 }]);
    shares.follow();
    expect([...shares.leaving(1e9)]).toHaveLength(1);
    expect([...shares.leaving(1)]).toEqual([]);
  });
});
