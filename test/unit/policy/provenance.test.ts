import { describe, expect, it } from 'vitest';
import {
  changedPublisher,
  lostProvenance,
  type ProvenanceFacts,
  provenanceRule,
} from '../../../src/policy/provenance.ts';
import type { Rule } from '../../../src/policy/rule.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import type { KeptJudgement, KeptProvenance } from '../../../src/ports/provenance/kept.ts';
import type { JudgedFile, JudgedPage } from '../../../src/pypi/listing.ts';

const DIGEST = 'a'.repeat(64);
const MILL = { kind: 'GitHub', name: 'octo/mill', id: 'github 4711', workflow: 'release.yml', environment: 'pypi' };
const OTHER = { ...MILL, name: 'evil/mill', id: 'github 666' };
const by = (publisher: typeof MILL) => ({ result: 'verified', publishers: [publisher], unchecked: [] }) as const;
const judged = (judgement: KeptJudgement['judgement'], file = DIGEST): KeptJudgement => ({
  file,
  document: DIGEST,
  root: DIGEST,
  at: 5,
  judgement,
});
const nameOf = (version: string) => `mill-${version}-py3-none-any.whl`;
const fileOf = (version: string, says = true): JudgedFile => ({
  entry: {
    filename: nameOf(version),
    digests: new Map([['sha256', DIGEST]]),
    ...(says && { provenance: 'https://index.example/it' }),
  },
  path: '',
});
const pageOf = (...files: readonly JudgedFile[]): JudgedPage => ({
  name: 'mill',
  files: new Map(files.map((file) => [file.entry.filename, file])),
});
const seenAt = (...times: readonly (readonly [string, number])[]) =>
  new Map(times.map(([version, seen]): [string, Pin] => [nameOf(version), { digests: new Map(), seen }]));

const KEPT: KeptProvenance = {
  since: 5,
  publishers: [{ ...MILL, since: 5, by: 'first-sight' }],
  accepted: [],
  files: new Map(),
};
const facts = (
  mode: ProvenanceFacts['mode'],
  kept: Partial<KeptProvenance> = {},
  expected: ProvenanceFacts['expected'] = [],
): ProvenanceFacts => ({
  mode,
  kept: { ...KEPT, ...kept },
  expected,
  pins: seenAt(['2.0', 6]),
});
const files = (version: string, judgement: KeptJudgement['judgement']) =>
  new Map([[nameOf(version), judged(judgement)]]);

/** By version, what a rule does with the files of a page. */
function actions(
  rule: Rule,
  page: JudgedPage,
  provenance: ProvenanceFacts | undefined,
  pins = seenAt(['1.0', 5], ['2.0', 6]),
) {
  const words = rule.page?.({ page, pins, facts: { provenance }, now: 9 }).files ?? new Map();
  return Object.fromEntries([...words].map(([name, { action }]) => [name.split('-')[1], action]));
}
const fileAction = (rule: Rule, file: JudgedFile, provenance: ProvenanceFacts) =>
  rule.file?.({ project: 'mill', file, facts: { provenance }, now: 9 })?.action;

describe('provenance of a file', () => {
  const refused = { result: 'refused', why: 'it is about another file' } as const;
  const missing = { result: 'unavailable', why: 'there is none', lasting: true } as const;
  const unchecked = { result: 'unchecked', why: 'its log is not known' } as const;
  it.each([
    ['is verified', by(MILL), undefined, undefined, undefined],
    ['is wrong', refused, 'report', 'hide', 'hide'],
    ['is not to be had', missing, 'report', 'hide', 'hide'],
    ['cannot be checked', unchecked, undefined, undefined, 'hide'],
  ] as const)('that %s decides by mode', (_, judgement, report, present, require) => {
    const kept = { files: files('1.0', judgement) };
    for (const [mode, action] of [
      ['off', undefined],
      ['report', report],
      ['require-when-present', present],
      ['require', require],
    ] as const) {
      expect(actions(provenanceRule, pageOf(fileOf('1.0')), facts(mode, kept))).toEqual(
        action === undefined ? {} : { '1.0': action },
      );
      expect(fileAction(provenanceRule, fileOf('1.0'), facts(mode, kept))).toBe(action);
    }
  });

  it('that was not judged yet is listed, and not sent where it must be right', () => {
    for (const [mode, action] of [
      ['report', undefined],
      ['require-when-present', 'deny'],
      ['require', 'deny'],
    ] as const) {
      expect(actions(provenanceRule, pageOf(fileOf('1.0')), facts(mode))).toEqual({});
      expect(fileAction(provenanceRule, fileOf('1.0'), facts(mode))).toBe(action);
    }
  });

  it('of what its page listed once is what it was found to be, and is asked for no more', () => {
    const was: JudgedFile = { ...fileOf('1.0', false), removed: true };
    for (const [judgement, report, present] of [
      [by(MILL), undefined, undefined],
      [refused, 'report', 'hide'],
      [missing, 'report', 'hide'],
      [{ ...missing, lasting: false, transient: true }, 'report', 'hide'],
    ] as const)
      for (const [mode, action] of [
        ['report', report],
        ['require-when-present', present],
        ['require', present],
      ] as const) {
        const kept = { files: files('1.0', judgement) };
        const words = provenanceRule.page?.({
          page: pageOf(was),
          pins: seenAt(),
          facts: { provenance: facts(mode, kept) },
          now: 90_000,
        });
        const word = words?.files?.get(nameOf('1.0'));
        expect([mode, judgement.result, word?.action, word?.until]).toEqual([
          mode,
          judgement.result,
          action,
          undefined,
        ]);
      }
    expect(actions(provenanceRule, pageOf(was), facts('require-when-present'))).toEqual({});
    expect(actions(provenanceRule, pageOf(was), facts('require'))).toEqual({ '1.0': 'hide' });
  });

  it('that was judged for other bytes under its name is not judged', () => {
    const kept = { files: new Map([[nameOf('1.0'), judged(by(MILL), 'b'.repeat(64))]]) };
    expect(fileAction(provenanceRule, fileOf('1.0'), facts('require', kept))).toBe('deny');
  });

  it('must be there where every file must be verified', () => {
    const page = pageOf(fileOf('1.0', false));
    expect(actions(provenanceRule, page, facts('require'))).toEqual({ '1.0': 'hide' });
    expect(actions(provenanceRule, page, facts('require-when-present'))).toEqual({});
    expect(actions(provenanceRule, page, undefined)).toEqual({});
  });
});

describe('provenance that cannot be had at this moment', () => {
  const away = { result: 'unavailable', why: 'no answer', lasting: false, transient: true } as const;
  const wordAt = (now: number, judgement: KeptJudgement['judgement'], mode: ProvenanceFacts['mode'] = 'require') => {
    const provenance = facts(mode, { files: files('1.0', judgement) });
    const words = provenanceRule.page?.({ page: pageOf(fileOf('1.0')), pins: new Map(), facts: { provenance }, now });
    const file = provenanceRule.file?.({ project: 'mill', file: fileOf('1.0'), facts: { provenance }, now });
    return [words?.files?.get(nameOf('1.0')), file].map((word) => word && [word.action, word.until, word.again]);
  };

  it('keeps the file on its page, and says when to come again', () => {
    expect(wordAt(9, away)).toEqual([
      ['deny', 15, 6],
      ['deny', 15, 6],
    ]);
    expect(wordAt(9, away, 'report')).toEqual([
      ['report', undefined, undefined],
      ['report', undefined, undefined],
    ]);
  });

  it('is no word about it any more once it is time to ask again', () => {
    expect(wordAt(15, away)).toEqual([undefined, ['deny', undefined, 1]]);
    const missing = { result: 'unavailable', why: '', lasting: true } as const;
    expect(wordAt(3604, missing)[0]).toEqual(['hide', 3605, undefined]);
    expect(wordAt(3605, missing)).toEqual([undefined, ['deny', undefined, 1]]);
  });

  it('holds the file back where asking again will not help', () => {
    const offline = { result: 'unavailable', why: '', lasting: false } as const;
    expect(wordAt(9, offline)[0]).toEqual(['hide', 15, undefined]);
  });
});

describe('a file by somebody else', () => {
  const kept = { files: files('2.0', by(OTHER)) };

  it('is held back where it came after the first sight', () => {
    const page = pageOf(fileOf('1.0'), fileOf('2.0'));
    expect(actions(changedPublisher, page, facts('require', kept))).toEqual({ '2.0': 'hide' });
    expect(actions(changedPublisher, page, facts('report', kept))).toEqual({ '2.0': 'report' });
    expect(actions(changedPublisher, page, facts('off', kept))).toEqual({});
    expect(actions(changedPublisher, page, facts('require', kept), seenAt(['2.0', 5]))).toEqual({});
    expect(fileAction(changedPublisher, fileOf('2.0'), facts('require', kept))).toBe('hide');
  });

  it('is served once an operator has accepted its release, or knows them', () => {
    const page = pageOf(fileOf('2.0'));
    const accepted = [{ version: '2', reason: '', at: 8 }];
    expect(actions(changedPublisher, page, facts('require', { ...kept, accepted }))).toEqual({});
    const publishers = [...KEPT.publishers, { ...OTHER, since: 8, by: 'operator' as const }];
    expect(actions(changedPublisher, page, facts('require', { ...kept, publishers }))).toEqual({});
  });

  it('is one that another workflow or environment made, and not one under another name of the repository', () => {
    const page = pageOf(fileOf('2.0'));
    const made = (as: Partial<typeof MILL>) => facts('require', { files: files('2.0', by({ ...MILL, ...as })) });
    expect(actions(changedPublisher, page, made({ workflow: 'other.yml' }))).toEqual({ '2.0': 'hide' });
    expect(actions(changedPublisher, page, made({ environment: 'other' }))).toEqual({ '2.0': 'hide' });
    expect(actions(changedPublisher, page, made({ name: 'renamed/mill' }))).toEqual({});
  });

  it('is any that the configuration does not expect, whenever it came', () => {
    const page = pageOf(fileOf('1.0'));
    const first = { files: files('1.0', by(OTHER)) };
    expect(actions(changedPublisher, page, facts('require', first, [{ id: 'github 4711' }]))).toEqual({
      '1.0': 'hide',
    });
    expect(
      actions(changedPublisher, page, facts('require', first, [{ id: 'github 666', workflow: 'release.yml' }])),
    ).toEqual({});
  });
});

describe('a release that says nothing', () => {
  it('is held back where those before it said who published them', () => {
    const page = pageOf(fileOf('1.0'), fileOf('2.0', false));
    expect(actions(lostProvenance, page, facts('require-when-present'))).toEqual({ '2.0': 'hide' });
    expect(actions(lostProvenance, page, facts('report'))).toEqual({ '2.0': 'report' });
    expect(actions(lostProvenance, page, facts('off'))).toEqual({});
    expect(actions(lostProvenance, page, facts('require-when-present', { publishers: [] }))).toEqual({});
    expect(actions(lostProvenance, page, facts('require-when-present'), seenAt(['2.0', 5]))).toEqual({});
  });

  it('is judged by what was found out of it where its page lists it no more', () => {
    const page = pageOf(fileOf('1.0'), { ...fileOf('2.0', false), removed: true });
    expect(actions(lostProvenance, page, facts('require-when-present'))).toEqual({ '2.0': 'hide' });
    const kept = { files: files('2.0', by(MILL)) };
    expect(actions(lostProvenance, page, facts('require-when-present', kept))).toEqual({});
  });

  it('is none of which another file says it', () => {
    const sdist: JudgedFile = { entry: { filename: 'mill-2.0.tar.gz', digests: new Map() }, path: '' };
    const pins = new Map([...seenAt(['2.0', 6]), ['mill-2.0.tar.gz', { digests: new Map(), seen: 6 }]]);
    expect(actions(lostProvenance, pageOf(fileOf('2.0'), sdist), facts('require-when-present'), pins)).toEqual({});
  });
});
