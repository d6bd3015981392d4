import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REASONS } from '../../src/bytes/refusal.ts';

const page = readFileSync(new URL('../../docs/trust.md', import.meta.url), 'utf8');
const paragraphs = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((section) => [
      /^`([a-z-]+)`\n/.exec(section)?.[1] ?? section.slice(0, 40),
      section.split('\n').slice(1).join(' ').trim(),
    ]),
);

it('docs/trust.md explains every reason, in order, and no other', () => {
  expect([...paragraphs.keys()]).toEqual([...REASONS]);
});

it.each([...REASONS])('the paragraph on %s says something', (reason) => {
  expect(paragraphs.get(reason)?.length).toBeGreaterThan(60);
});
