import { instantText } from '../../bytes/instant.ts';
import type { Config, IndexConfig, ProvenanceConfig } from '../../config/config.ts';
import { durationText } from '../../policy/duration.ts';
import type { Action } from '../../policy/rule.ts';
import type { ConditionSettings, NamesSettings, PolicySettings } from '../../policy/settings.ts';
import { advisoriesOf } from './rules.ts';
import { settingOf } from './setting-of-rule.ts';

/** A rule that the configuration has in force for an index, in words. */
export interface RuleInForce {
  readonly rule: string;
  readonly action: Action;
  /** What it holds back, or tells, in a sentence. */
  readonly says: string;
  /** What an operator would change. */
  readonly setting: string;
}

/** Patterns and names that one sentence has. */
const MOST_NAMED = 10;

/** In the order in which they are written down; what quarantine does besides is so everywhere. */
export function rulesInForce(config: Pick<Config, 'advisories'>, index: IndexConfig): readonly RuleInForce[] {
  const told = advisoriesOf(config, index);
  const { policy } = index;
  const provenance = index.evidence === 'index' ? index.provenance : undefined;
  return [
    ...(policy === undefined ? [] : agesInForce(policy)),
    ...(policy?.names === undefined ? [] : [namesInForce(policy.names)]),
    ...(policy?.conditions ?? []).map(conditionInForce),
    ...(told === undefined
      ? []
      : [
          inForce('known malware', told.malware, 'Versions that an advisory calls malware.'),
          inForce('known vulnerable', told.vulnerable, 'Versions that an advisory calls vulnerable.'),
        ]),
    ...(provenance === undefined ? [] : [provenanceInForce(provenance)]),
  ];
}

function inForce(rule: string, action: Action, says: string): RuleInForce {
  return { rule, action, says, setting: settingOf(rule) };
}

function agesInForce({ minimumAge, projects }: PolicySettings): readonly RuleInForce[] {
  const { files = 0, projects: young = 0, since, action = 'hide' } = minimumAge ?? {};
  const other = projects.flatMap(({ match, minimumAge: own }) => (own === undefined ? [] : [[match, own] as const]));
  const line = since === undefined ? '' : ` What was there before ${instantText(since)} is served however young.`;
  const others =
    other.length === 0 ? '' : ` Otherwise for ${some(other.map(([match, own]) => `${match} (${ageText(own)})`))}.`;
  const age = `Files, until they have been there for ${ageText(files)}: counted from the later of when upstream says they were uploaded and when their page was last seen here without them.${line}${others}`;
  return [
    ...(files > 0 || other.some(([, own]) => own > 0) ? [inForce('minimum age', action, age)] : []),
    ...(young > 0
      ? [
          inForce(
            'minimum age of projects',
            action,
            `Projects whose oldest file has not been there for ${ageText(young)}.${line}`,
          ),
        ]
      : []),
  ];
}

function ageText(seconds: number): string {
  return seconds === 0 ? 'no time' : durationText(seconds);
}

function namesInForce({ allow, deny, action }: NamesSettings): RuleInForce {
  const allowed = allow === undefined ? '' : `Every project but ${some(allow)}.`;
  const denied = deny.length === 0 ? '' : `Projects and versions called ${some(deny)}.`;
  return inForce('names', action, [denied, allowed].filter((part) => part !== '').join(' '));
}

function conditionInForce(condition: ConditionSettings): RuleInForce {
  return inForce(condition.name, condition.action, conditionSays(condition));
}

/** Conditions on what lies in a file. */
const ON_CONTENTS: Readonly<Record<string, string>> = {
  licence: 'Files by their licence, as their own metadata states it.',
  'new-pth': 'Wheels that run code at each start of Python (a .pth file) where wheels of their project before did not.',
  'metadata-differs': "Wheels whose own metadata says otherwise than the index's.",
};

function conditionSays(condition: ConditionSettings): string {
  const { when }: { readonly when: string } = condition;
  switch (condition.when) {
    case 'sdist-only':
      return 'Releases without any wheel where the one before had some: installing them runs code of the project.';
    case 'late-file':
      return `Files that join a release more than ${durationText(condition.after)} after its first.`;
    case 'status':
      return `Projects that their index calls ${condition.in.join(' or ')}.`;
    case 'similar-name':
      return `Projects younger than ${durationText(condition.youngerThan)} whose names are one slip away from ${some(condition.to)}.`;
    default:
      return ON_CONTENTS[when] ?? `What the condition "${when}" is about.`;
  }
}

const MODES = {
  off: 'Nothing.',
  report: 'Who published a file: it is checked, and what is wrong, or comes from somebody else than before, is told.',
  'require-when-present':
    'Files whose provenance is wrong or cannot be had, and releases by somebody else than before, or by nobody who says so where somebody did.',
  require: 'Files without verified provenance, and releases by somebody else than before.',
} as const;

function provenanceInForce({ mode, projects }: ProvenanceConfig): RuleInForce {
  const isStrict = mode === 'require' || mode === 'require-when-present';
  const others = Object.entries(projects).map(([project, own]) => `${project} (${own})`);
  const more = others.length === 0 ? '' : ` Another mode holds for ${some(others)}.`;
  return inForce('provenance', isStrict ? 'hide' : 'report', `${MODES[mode]}${more}`);
}

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}
