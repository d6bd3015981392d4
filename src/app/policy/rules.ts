import type { Config, IndexConfig } from '../../config/config.ts';
import { rulesOf } from '../../policy/compile.ts';
import { knownBad } from '../../policy/known-bad.ts';
import { changedPublisher, lostProvenance, provenanceRule } from '../../policy/provenance.ts';
import type { Rule } from '../../policy/rule.ts';

/** Undefined where nothing is told of what is known to be bad in this index. */
export function advisoriesOf(
  { advisories }: Pick<Config, 'advisories'>,
  { name }: Pick<IndexConfig, 'name'>,
): Config['advisories'] {
  return advisories?.notOf.includes(name) === true ? undefined : advisories;
}

/** The rules that the configuration gives an index. `judged`: somebody finds out who published its files. */
export function rulesFor(
  config: Config,
  index: IndexConfig,
  judged = index.evidence === 'index' && index.provenance !== undefined,
): readonly Rule[] {
  const told = advisoriesOf(config, index);
  return [
    ...(index.policy === undefined ? [] : rulesOf(index.policy)),
    ...(told === undefined ? [] : knownBad(told)),
    ...(judged ? [provenanceRule, changedPublisher, lostProvenance] : []),
  ];
}
