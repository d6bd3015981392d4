import { afterEach, describe, expect, it, vi } from 'vitest';
import { errorLines } from '../../../src/app/words.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { folded, print, printFolded, printJson, say } from '../../../src/cli/output.ts';

// What an index, a client or a file name says reaches an operator's terminal as text, and never as a command to it.

const HOSTILE = 'x\u001b]0;owned\u0007\u001b[2J\u001b[1;1H\n2026-01-01 all is well\u009b31m\u202egpj\u2028\ud800\u007f';
const COMMANDS = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Cs}/u;

const written = (stream: 'stdout' | 'stderr', work: () => void): string => {
  const parts: string[] = [];
  vi.spyOn(process[stream], 'write').mockImplementation((part) => {
    parts.push(String(part));
    return true;
  });
  work();
  return parts.join('');
};
afterEach(() => {
  vi.restoreAllMocks();
});

describe('prose on a terminal', () => {
  it('is folded between words, set in as it began', () => {
    expect(folded('  one two three four', 12)).toEqual(['  one two', '  three four']);
    expect(folded('short', 12)).toEqual(['short']);
    expect(folded('  a-word-that-is-longer-than-the-line ends', 12)).toEqual([
      '  a-word-that-is-longer-than-the-line',
      '  ends',
    ]);
  });

  it('leaves whole what is to be pasted', () => {
    const command = '  pip install --index-url http://127.0.0.1:3141/simple/ PACKAGE';
    expect(folded(command, 20)).toEqual([command]);
  });

  it('is not folded where no terminal shows it', () => {
    const line = 'word '.repeat(100).trim();
    expect(written('stdout', () => printFolded(line))).toBe(`${line}\n`);
  });
});

describe('what is printed', () => {
  it('is one line an argument, without anything that commands a terminal', () => {
    const [first = '', second, ...rest] = written('stdout', () => print(HOSTILE, 'mine')).split('\n');
    expect(first).not.toMatch(COMMANDS);
    expect(first).toContain('2026-01-01 all is well');
    expect([second, rest]).toEqual(['mine', ['']]);
  });

  it('tells an error and its cause in a line each, whatever they say', () => {
    const error = new Refusal('policy', HOSTILE, { cause: new Error(`${HOSTILE}!`) });
    const lines = written('stderr', () => say(...errorLines(error))).split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).not.toMatch(COMMANDS);
  });

  it('is the same value in JSON, spelled so that a terminal shows it', () => {
    const json = written('stdout', () => printJson({ reason: HOSTILE, pins: new Map([['a', '\u{1f40d}']]) }));
    expect(json.replaceAll('\n', '')).not.toMatch(COMMANDS);
    expect(JSON.parse(json)).toEqual({ reason: HOSTILE, pins: { a: '\u{1f40d}' } });
  });
});
