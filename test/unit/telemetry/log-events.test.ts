import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../../src/telemetry/event-table.ts';

// The words of the log are for programs that read it: code and docs/log.md name the same ones.

const root = fileURLToPath(new URL('../../../', import.meta.url));
const page = readFileSync(join(root, 'docs/log.md'), 'utf8');
const rows = [...(page.split('## Events')[1]?.matchAll(/^\| `([^`]+)` \|([^|]*)\|/gm) ?? [])].map(
  ([, word = '', levels = '']) => ({
    word,
    levels:
      levels.trim() === ''
        ? []
        : levels
            .trim()
            .split(' ')
            .map((level) => level.replaceAll('`', '')),
  }),
);

/** What is written to the log past the table of events: the start and the stop. */
const direct = readdirSync(join(root, 'src/app'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) =>
    [...readFileSync(join(root, 'src/app', path), 'utf8').matchAll(/\bevent: '([^']+)'/g)].map(([, word = '']) => word),
  );

describe('the words of the log', () => {
  it('are those of the page, each once', () => {
    const said = [...Object.values(EVENTS).map(({ word }) => word), ...direct];
    expect(rows.map(({ word }) => word).toSorted()).toEqual([...new Set(said)].toSorted());
  });

  it('are words that a query can be made of', () => {
    for (const { word } of rows) expect(word).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
  });

  it('have the levels that the page says', () => {
    const counted = Object.values(EVENTS).filter(
      (row) => !/'(?:debug|info|warn|error)'|CONDITIONS/.test(row.level.toString()),
    );
    const unwritten = rows.filter(({ levels }) => levels.length === 0).map(({ word }) => word);
    expect(unwritten.toSorted()).toEqual(counted.map(({ word }) => word).toSorted());
    for (const row of Object.values(EVENTS)) {
      const named = [...row.level.toString().matchAll(/'(debug|info|warn|error)'/g)].map(([, level = '']) => level);
      const said = rows.find(({ word }) => word === row.word)?.levels ?? [];
      for (const level of named) expect([row.word, said]).toEqual([row.word, expect.arrayContaining([level])]);
    }
  });
});
