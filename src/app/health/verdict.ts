import type { StatusReport } from '../status.ts';
import { type Judged, troublesOf } from './index-troubles.ts';
import { conditionSays } from './words.ts';

/** What the verdict is made of. */
export type Facts = Pick<StatusReport, 'now' | 'judged' | 'indexes' | 'disk' | 'tampered'> & {
  readonly conditions: readonly { readonly what: string; readonly index: string }[];
};

/** Something that is not well, and what to do about it. */
export interface Trouble {
  readonly what: string;
  /** Whose it is; empty where all share it. */
  readonly index: string;
  /** Whether this mirror does not keep what it promises; what else is not well is to be known, and looked at. */
  readonly breaks: boolean;
  /** `bad`: something is not served. */
  readonly level: 'warn' | 'bad';
  /** In words of this program alone: nothing that an upstream said, no path and no address. */
  readonly says: string;
  readonly next: string;
}

export interface Verdict {
  /** Whether what this mirror promises holds: what it serves is fresh, its clock is sane, and nothing that it stored has changed. */
  readonly holds: boolean;
  /** One sentence. */
  readonly says: string;
  /** The worst first. */
  readonly troubles: readonly Trouble[];
}

/** By whatever judges expiry wrongly nobody can tell what is fresh. */
const BREAKING: ReadonlySet<string> = new Set(['clock']);

/** Whether all is well. Whoever is told so, is told by this: pages, monitors, commands. */
export function verdictOn(facts: Facts, known: Judged): Verdict {
  const ofIndexes = facts.indexes.flatMap((index) => troublesOf(index, facts, known));
  const all: readonly Trouble[] = [
    ...ofIndexes,
    ...(facts.disk.some(({ part, bytes }) => part === 'quarantine' && bytes > 0) ? [QUARANTINE] : []),
    ...facts.conditions.flatMap(({ what, index }): readonly Trouble[] => {
      const said = conditionSays(what);
      // That something is too old says also that it grows old.
      const isTold = ofIndexes.some((each) => each.what === what && each.index === index);
      return said === undefined || isTold ? [] : [{ what, index, breaks: BREAKING.has(what), level: 'warn', ...said }];
    }),
  ];
  const troubles = all.toSorted((one, other) => rank(one) - rank(other));
  const [worst] = troubles;
  return {
    holds: all.every(({ breaks }) => !breaks),
    says: worst === undefined ? 'All is well.' : sentenceOf(worst),
    troubles,
  };
}

/** With whose it is. */
export function sentenceOf({ index, says }: Pick<Trouble, 'index' | 'says'>): string {
  return index === '' ? says : `${index}: ${says}`;
}

/** What stops new files comes before what weakens, and that before what was warded off already. */
function rank({ what, level, breaks }: Trouble): number {
  if (level === 'bad') return 0;
  if (breaks) return 1;
  return what === 'unwritable' ? 2 : what === 'refused' ? 4 : 3;
}

const QUARANTINE: Trouble = {
  what: 'quarantine',
  index: '',
  breaks: true,
  level: 'warn',
  says: 'A stored file was not what it was proved to be; none of it was sent, and it lies set aside.',
  next: 'Run "verbatim verify", find out who or what wrote there, then delete what lies in quarantine/ (docs/runbooks/VerbatimQuarantined.md).',
};
