import { WordsByHand } from '../../src/mirror/policy/by-hand.ts';
import { ComposedPolicy } from '../../src/mirror/policy/composed.ts';
import type { FactSource } from '../../src/mirror/policy/fact-source.ts';
import type { Exception } from '../../src/policy/exceptions.ts';
import type { Rule } from '../../src/policy/rule.ts';
import type { IndexState } from '../../src/ports/index-state.ts';

type Words = Pick<IndexState, 'quarantine' | 'projects'>;

/** No operator has put anything in quarantine. */
export const NOTHING_BY_HAND: Words = {
  quarantine: () => ({ read: async () => undefined, version: async () => 0, change: async () => undefined }),
  async *projects() {},
};

interface Rules {
  readonly rules?: readonly Rule[];
  readonly exceptions?: readonly Exception[];
  readonly sources?: readonly FactSource[];
  readonly now?: () => number;
}

/** What is quarantined, and these rules; of what operators said nothing but what is followed. */
export function policyOver(words: Words = NOTHING_BY_HAND, { rules = [], sources = [], now = () => 0 }: Rules = {}) {
  return new ComposedPolicy({ rules, sources: [new WordsByHand(words), ...sources], clock: { now } });
}

/** The same with all that operators said. */
export async function openPolicy(words: Words, { rules = [], exceptions, sources = [], now = () => 0 }: Rules = {}) {
  const byHand = await WordsByHand.open(words);
  return new ComposedPolicy({ rules, exceptions, sources: [byHand, ...sources], clock: { now } });
}
