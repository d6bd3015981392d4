import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createNarrator } from '../../../src/demo/narrate.ts';

function narrator() {
  const stream = new PassThrough({ encoding: 'utf8' });
  return { narrator: createNarrator(stream), told: () => String(stream.read() ?? '') };
}

it('what did not happen is told, and kept as a failure', () => {
  const { narrator: n, told } = narrator();
  n.outcome(true, 'First.');
  n.limit(true, 'Second.');
  n.outcome(false, 'Third.', 'nothing came');
  expect(n.failures).toEqual(['Third.']);
  expect(told()).toMatch(/^ {2}ok .*First\.\n {2}LIMIT .*Second\.\n {2}FAILED .*Third\..*nothing came\n$/);
});

it('off a terminal: no colour, no line too long, nothing quoted cut', () => {
  const { narrator: n, told } = narrator();
  n.title('Title');
  n.step('A step');
  n.scene('A scene');
  n.say('word '.repeat(80));
  n.fact('somebody', 'does '.repeat(80));
  const quoted = 'q'.repeat(150);
  n.quote(quoted);
  const lines = told().split('\n');
  expect(lines.join('')).not.toContain('\u001b');
  expect(lines).toContain('1. A step');
  expect(lines).toContain('1a. A scene');
  expect(lines).toContain(`    ${quoted}`);
  expect(lines.filter((line) => line.length > 100)).toEqual([`    ${quoted}`]);
});
