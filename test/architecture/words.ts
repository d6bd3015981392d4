import type { Source } from './source.ts';

// What is written in this project is understood by whoever has nothing but a clone of it.

export interface Absent {
  readonly name: string;
  readonly pattern: RegExp;
  readonly caught: readonly string[];
  readonly passed: readonly string[];
}

export const ABSENT: readonly Absent[] = [
  {
    name: 'a document that a clone lacks',
    pattern: /\bDESIGN\b|\.\.\/shared\b|(?<![\w/])reference\/\w|\bhouse\.md\b/,
    caught: ['as DESIGN §5 says', "read('../shared/data')", 'see reference/style.md', 'house.md says so'],
    passed: ['by design', 'docs/reference/x', 'a reference to it'],
  },
  {
    name: 'a list of faults that a clone lacks',
    pattern: /\b[Ff]aults (?:§ ?\d|[A-Z] ?\d|\d)/,
    caught: ['(faults C 88)', 'Faults E123', 'faults 56', 'faults §7'],
    passed: ['two faults', 'faults of 3 kinds'],
  },
  {
    name: 'the code of a case or a rule',
    pattern: /['"`(][A-J] ?\d{2,3}(?:[ab]?, [A-J]? ?\d{2,3})*(?=[ '"`,)])|\bcase \d+\b|\brules? \d+\b/,
    caught: ["it('C58, C79 whole'", "['E 121 HEAD', 1]", 'refused (case 34)', '(rule 12)', 'rules 8 and 9'],
    passed: ['(RFC 9110 §13)', '(PEP 691)', 'in each case', "it('A file')", "'SHA 256'"],
  },
  {
    name: 'vitest’s `test`, where all others say `it`',
    pattern: /^import \{[^}]*\btest\b[^}]*\} from 'vitest'/m,
    caught: ["import { expect, test } from 'vitest';"],
    passed: ["import { expect, it } from 'vitest';", "import { test } from './other.ts';"],
  },
];

/** This file, and the test of it. */
const OWN = ['test/architecture/words.ts', 'test/architecture/rules.test.ts'];

/** `path: what it refers to`, one line each. */
export function absentReferences({ path, text }: Source): readonly string[] {
  if (OWN.includes(path)) return [];
  return ABSENT.filter(({ pattern }) => pattern.test(text)).map(({ name }) => `${path}: refers to ${name}`);
}
