import { describe, expect, it } from 'vitest';
import { conditionRules } from '../../../src/policy/conditions.ts';
import { judgePage } from '../../../src/policy/judge.ts';
import type { ConditionSettings } from '../../../src/policy/settings.ts';
import type { ContentsOfProject, KeptContents } from '../../../src/ports/contents/kept.ts';
import type { StatedLicence } from '../../../src/pypi/contents/stated.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

// What conditions on the contents of files say, by what was found in them.

const NOW = Date.UTC(2026, 10, 26, 12) / 1000;
const SHA256 = 'a'.repeat(64);
const wheel = (version: string) => `alpha-${version}-py3-none-any.whl`;
const ONE = wheel('1.0');

const page = (...names: readonly string[]): JudgedPage => ({
  name: 'alpha',
  files: new Map(
    names.map((filename): readonly [string, JudgedFile] => [
      filename,
      { path: filename, entry: { filename, digests: new Map([['sha256', SHA256]]) } },
    ]),
  ),
});

const kept = (more: Partial<KeptContents>): KeptContents => ({ file: SHA256, at: NOW, born: NOW, ...more });

function said(condition: ConditionSettings, of: JudgedPage, contents: ContentsOfProject | undefined) {
  const verdict = judgePage(conditionRules(condition), { page: of, pins: new Map(), facts: { contents }, now: NOW });
  return verdict.told.map(({ rule, action, filename, sentence }) => `${rule}: ${action}: ${sentence(filename ?? '')}`);
}

describe('a licence', () => {
  const judged = (licence: StatedLicence | undefined, more: { allow?: readonly string[]; deny?: readonly string[] }) =>
    said(
      {
        name: 'licence',
        when: 'licence',
        action: 'hide',
        unjudged: 'report',
        allow: more.allow,
        deny: more.deny ?? [],
      },
      page(ONE),
      new Map([[ONE, kept({ licence })]]),
    );
  const expression = (text: string): StatedLicence => ({ expression: text, classifiers: [] });
  const legacy = (licence: string | undefined, ...classifiers: readonly string[]): StatedLicence => ({
    licence,
    classifiers,
  });

  it('that is denied holds the file back, whatever else it may be had under', () => {
    expect(judged(expression('GPL-3.0-or-later'), { deny: ['GPL-*'] })).toEqual([
      `licence: hide: ${ONE} states the licence "GPL-3.0-or-later", which the policy of this mirror denies.`,
    ]);
    expect(judged(expression('MIT AND GPL-3.0-only'), { deny: ['gpl-*'] })).toHaveLength(1);
    expect(judged(expression('MIT OR GPL-3.0-only'), { deny: ['GPL-*'] })).toEqual([]);
    expect(judged(expression('GPL-2.0-only WITH Classpath-exception-2.0'), { deny: ['GPL-2.0-only'] })).toHaveLength(1);
    expect(judged(expression('GPL-2.0+'), { deny: ['GPL-2.0'] })).toHaveLength(1);
  });

  it('that is not allowed does, where only some are', () => {
    expect(judged(expression('MIT'), { allow: ['MIT', 'BSD-*'] })).toEqual([]);
    expect(judged(expression('BSD-3-Clause'), { allow: ['MIT', 'BSD-*'] })).toEqual([]);
    expect(judged(expression('MIT AND Zlib'), { allow: ['MIT'] })).toEqual([
      expect.stringContaining('"MIT AND Zlib", which is none that the policy of this mirror allows.'),
    ]);
    expect(judged(expression('MIT OR Zlib'), { allow: ['MIT'] })).toEqual([]);
    expect(judged(expression('MIT OR Zlib'), { allow: ['*'], deny: ['MIT', 'Zlib'] })).toHaveLength(1);
  });

  it('is that of classifiers and of License where there is no expression', () => {
    expect(judged(legacy(undefined, 'MIT License'), { allow: ['MIT'] })).toEqual([]);
    expect(judged(legacy(undefined, 'BSD License'), { allow: ['BSD License'] })).toEqual([]);
    expect(judged(legacy('BSD', 'Apache Software License'), { allow: ['Apache-2.0'] })).toEqual([]);
    expect(judged(legacy('GPL v3', 'MIT License'), { allow: ['MIT'], deny: ['GPL*'] })).toHaveLength(1);
    const both = { expression: 'Zlib', licence: 'MIT', classifiers: ['MIT License'] };
    expect(judged(both, { allow: ['MIT'] })).toHaveLength(1);
  });

  it('that is not stated, cannot be read, or was not looked for is not judged, and that is told', () => {
    for (const licence of [legacy(undefined), expression('MIT OR'), undefined])
      expect(judged(licence, { deny: ['GPL-*'] })).toEqual([
        expect.stringMatching(/^licence: not judged: report: alpha-1\.0.* (is not judged yet|cannot be judged): /),
      ]);
  });
});

describe('a file that Python runs at each start', () => {
  const condition: ConditionSettings = { name: 'new-pth', when: 'new-pth', action: 'deny', unjudged: 'report' };
  const wheels = (...all: readonly (readonly [version: string, born: number, startup?: readonly string[]])[]) =>
    new Map(all.map(([version, born, startup]) => [wheel(version), kept({ born, startup })]));

  it('is new where the wheels before it had none', () => {
    expect(said(condition, page(ONE, wheel('1.1')), wheels(['1.0', 1, []], ['1.1', 2, ['evil.pth']]))).toEqual([
      `new-pth: deny: ${wheel('1.1')} has "evil.pth", which Python runs at each start, and no earlier wheel of its project has such a file.`,
    ]);
  });

  it('is not where they had some', () => {
    expect(said(condition, page(wheel('1.1')), wheels(['1.0', 1, ['a.pth']], ['1.1', 2, ['b.pth']]))).toEqual([]);
  });

  it('is as new in the second bad release as in the first', () => {
    const all = wheels(['1.0', 1, []], ['1.1', 2, ['evil.pth']], ['1.2', 3, ['evil.pth']]);
    expect(said(condition, page(wheel('1.2')), all)).toEqual([expect.stringContaining('new-pth: deny')]);
  });

  it('is new whatever version it claims: what was there before counts by time', () => {
    const all = wheels(['1.0', 5, []], ['0.1', 9, ['evil.pth']]);
    expect(said(condition, page(wheel('0.1')), all)).toEqual([expect.stringContaining('new-pth: deny')]);
    expect(said(condition, page(wheel('1.1')), wheels(['1.0', 5, []], ['1.1', 5, ['evil.pth']]))).toHaveLength(1);
  });

  it('is not judged where no wheel before it is known, nor is a wheel that nobody has looked into', () => {
    expect(said(condition, page(ONE), wheels(['1.0', 1, ['evil.pth']]))).toEqual([
      expect.stringContaining('new-pth: not judged: report'),
    ]);
    expect(said(condition, page(ONE), undefined)).toEqual([expect.stringContaining('is not judged yet')]);
    expect(said(condition, page('alpha-1.0.tar.gz'), undefined)).toEqual([]);
  });

  it('is that of these bytes: what was found in others under this name says nothing', () => {
    const other = new Map([[ONE, kept({ file: 'b'.repeat(64), startup: [] })]]);
    expect(said(condition, page(ONE), other)).toEqual([expect.stringContaining('is not judged yet')]);
  });
});

describe('core metadata that is not what the index says', () => {
  const condition: ConditionSettings = {
    name: 'odd',
    when: 'metadata-differs',
    action: 'hide',
    unjudged: 'hide',
  };

  it('holds the file back, and so does what was not compared where that is the choice', () => {
    const differs = ['Version "1.0" and the index says "2.0"', 'Requires-Dist "evil" and the index says nothing'];
    expect(said(condition, page(ONE), new Map([[ONE, kept({ differs })]]))).toEqual([
      `odd: hide: ${ONE} is not what the index says: its core metadata says ${differs[0]}; and ${differs[1]}.`,
    ]);
    expect(said(condition, page(ONE), new Map([[ONE, kept({ differs: [] })]]))).toEqual([]);
    expect(said(condition, page(ONE), undefined)).toEqual([expect.stringContaining('odd: not judged: hide')]);
  });
});
