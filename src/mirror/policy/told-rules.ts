import { BoundedMap } from '../../bytes/bounded-map.ts';
import type { Instant } from '../../bytes/instant.ts';
import type { Emit } from '../../ports/events.ts';
import type { RuleWord } from '../../ports/policy.ts';

/** Projects of which what was told is remembered; of others it is told again when they are drawn. */
const MOST_PROJECTS = 50_000;

/** What one rule says of a page, added up. */
export interface RuleSum {
  readonly rule: string;
  readonly action: RuleWord['action'];
  readonly files: number;
  /** Of the first of them. */
  readonly why: string;
  /** The first time that it says otherwise of one of them; undefined where time changes nothing. */
  readonly until: Instant | undefined;
}

/** By rule and action; `all`: how many files the page has. */
export function sumsOf(told: readonly RuleWord[], project: string, all: number): readonly RuleSum[] {
  const sums = new Map<string, RuleSum>();
  for (const { rule, action, filename, sentence, until } of told) {
    const key = `${action} ${rule}`;
    const before = sums.get(key);
    const files = (before?.files ?? 0) + (filename === undefined ? all : 1);
    sums.set(key, {
      rule,
      action,
      files,
      why: before?.why ?? sentence(filename ?? project),
      until: earlier(before?.until, until),
    });
  }
  return [...sums.values()];
}

function earlier(one: Instant | undefined, other: Instant | undefined): Instant | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}

/** Tells what rules say of pages, once a change. */
export class ToldRules {
  readonly #index: string;
  readonly #emit: Emit;
  readonly #told = new BoundedMap<readonly RuleSum[]>({ entries: MOST_PROJECTS });

  constructor({ index, emit }: { readonly index: string; readonly emit: Emit }) {
    this.#index = index;
    this.#emit = emit;
  }

  /** What is said of the page that is in force now. Does not throw. */
  put(project: string, sums: readonly RuleSum[]): void {
    const before = this.#told.get(project) ?? [];
    if (before.length === 0 && sums.length === 0) return;
    this.#told.set(project, sums);
    const tell = ({ rule, action, files, why }: RuleSum) =>
      this.#emit({ name: 'ruled', index: this.#index, project, rule, action, files, why });
    for (const sum of sums) if (!before.some((each) => isSame(each, sum))) tell(sum);
    for (const sum of before) if (!sums.some((each) => isOf(each, sum))) tell({ ...sum, files: 0 });
  }
}

function isOf(one: RuleSum, other: RuleSum): boolean {
  return one.rule === other.rule && one.action === other.action;
}

function isSame(one: RuleSum, other: RuleSum): boolean {
  return isOf(one, other) && one.files === other.files && one.why === other.why;
}
