import { describe, expect, it } from 'vitest';
import type { OperatorAnswer } from '../../../src/policy/exceptions.ts';
import { judgePage } from '../../../src/policy/judge.ts';
import { parsePattern } from '../../../src/policy/pattern.ts';
import type { Rule } from '../../../src/policy/rule.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';
import { versionKey } from '../../../src/pypi/versions.ts';

// What operators answered decides beside the exceptions of the configuration.

const NOW = 1_800_000_000;
const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';
const LOCAL = 'alpha-2.0+local.1.tar.gz';

const file = (filename: string): readonly [string, JudgedFile] => [
  filename,
  { path: filename, entry: { filename, digests: new Map() } },
];
const PAGE: JudgedPage = { name: 'alpha', files: new Map([file(OLD), file(NEW), file(LOCAL)]) };
const word = { action: 'hide', sentence: (name: string) => `${name} is closed.` } as const;
const closed: Rule = { name: 'closed', version: '1', page: () => ({ others: word }) };

const answer = ({ version, ...over }: Partial<OperatorAnswer>): OperatorAnswer => ({
  action: 'allow',
  pattern: { text: 'alpha', glob: 'alpha', versions: undefined },
  file: undefined,
  rule: 'closed',
  reason: 'ticket 7',
  until: undefined,
  version: version === undefined ? undefined : versionKey(version),
  ...over,
});

function judged(answers: readonly OperatorAnswer[], { rule = closed, configured = [] as string[] } = {}) {
  const exceptions = configured.map((text) => {
    const pattern = parsePattern(text);
    if (pattern === undefined) throw new Error(text);
    return { pattern, file: undefined, rule: undefined, reason: 'the file', until: undefined };
  });
  const verdict = judgePage([rule], { page: PAGE, pins: new Map(), facts: { answers }, now: NOW }, exceptions);
  const of = (filename: string) => verdict.files.get(filename) ?? verdict.others;
  const refused = (filename: string) => {
    const found = of(filename);
    return found.action === 'serve' ? undefined : found.refusal(filename).message;
  };
  const served = [OLD, NEW, LOCAL].filter((filename) => of(filename).action === 'serve');
  return { verdict, served, refused };
}

describe('an operator who lets it pass', () => {
  it('does so for the project, for one version in each of its spellings, or for one file', () => {
    expect(judged([]).served).toEqual([]);
    expect(judged([answer({})]).served).toEqual([OLD, NEW, LOCAL]);
    expect(judged([answer({ version: 'v2' })]).served).toEqual([NEW]);
    expect(judged([answer({ file: LOCAL })]).served).toEqual([LOCAL]);
  });

  it('says so, and why, where the rule is told', () => {
    const { told } = judged([answer({ until: NOW + 60 })]).verdict;
    expect(told.map(({ action, sentence }) => [action, sentence(NEW)])).toEqual([
      ['report', `${NEW} is closed. An exception lets it pass until 2027-01-15T08:01:00Z: ticket 7.`],
    ]);
  });

  it('does so of that rule alone, until the end that was given, when the page is judged again', () => {
    expect(judged([answer({ rule: 'another' })]).served).toEqual([]);
    expect(judged([answer({ until: NOW })]).served).toEqual([]);
    const { served, verdict } = judged([answer({ version: '2.0', until: NOW + 60 })]);
    expect([served, verdict.others.until]).toEqual([[NEW], NOW + 60]);
  });

  it('changes nothing of what goes before all rules', () => {
    expect(judged([answer({})], { rule: { ...closed, first: true } }).served).toEqual([]);
  });
});

describe('an operator who keeps it refused', () => {
  it('is quoted to whoever asks next', () => {
    const { refused, served } = judged([answer({ action: 'deny', version: '2.0', reason: 'use alpha 1' })]);
    expect(served).toEqual([]);
    expect(refused(NEW)).toBe(`${NEW} is closed. An operator was asked, and keeps it so: use alpha 1.`);
    expect(refused(OLD)).toBe(`${OLD} is closed.`);
  });

  it('takes back what was let pass before, as far as the answer goes: the last that covers a file counts', () => {
    const allow = answer({});
    const deny = answer({ action: 'deny', version: '2.0' });
    expect(judged([allow, deny]).served).toEqual([OLD, LOCAL]);
    expect(judged([deny, allow]).served).toEqual([OLD, NEW, LOCAL]);
  });

  it('takes nothing back that the configuration lets pass', () => {
    expect(judged([answer({ action: 'deny' })], { configured: ['alpha'] }).served).toEqual([OLD, NEW, LOCAL]);
  });
});
