import type { Caller } from '../../async/caller.ts';
import { quarantinedHere } from '../../policy/by-hand.ts';
import { type Facts, NO_FACTS } from '../../policy/facts.ts';
import { judgePage, type Said, verdictOf } from '../../policy/judge.ts';
import type { Rule, Word } from '../../policy/rule.ts';
import { quarantinedUpstream } from '../../policy/upstream-status.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Pin } from '../../ports/index-state.ts';
import type { PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import type { JudgedPage, OwnFile } from '../../pypi/listing.ts';
import type { FactSource } from './fact-source.ts';

interface ComposedOptions {
  readonly rules: readonly Rule[];
  readonly sources: readonly FactSource[];
  readonly clock: Pick<Clock, 'now'>;
}

/** Every index has these: what its own configuration adds comes besides. */
const ALWAYS: readonly Rule[] = [quarantinedUpstream, quarantinedHere];

/** Rules over facts: the strictest word of all of them counts. */
export class ComposedPolicy implements Policy {
  readonly #rules: readonly Rule[];
  readonly #sources: readonly FactSource[];
  readonly #clock: Pick<Clock, 'now'>;
  readonly #version: string;

  constructor({ rules, sources, clock }: ComposedOptions) {
    this.#rules = [...ALWAYS, ...rules];
    this.#sources = sources;
    this.#clock = clock;
    this.#version = this.#rules.map(({ name, version }) => `${name} ${version}`).join(', ');
  }

  get quarantined(): number {
    return this.#sources.reduce((sum, { quarantined = 0 }) => sum + quarantined, 0);
  }

  version(project: string): string {
    let version = this.#version;
    for (const source of this.#sources) {
      const own = source.version(project);
      if (own !== '') version += `, ${source.name} ${own}`;
    }
    return version;
  }

  name(project: string): Verdict {
    return this.#verdict('page', (rule) => rule.project?.(project));
  }

  page(page: JudgedPage, pins: ReadonlyMap<string, Pin>, now: number): PageVerdict {
    return judgePage(this.#rules, { page, pins, now, facts: this.#facts(page.name) });
  }

  unlisted(project: string, filename: string): Verdict {
    const facts = this.#facts(project);
    return this.#verdict('file', (rule) => rule.unlisted?.(project, filename, facts));
  }

  async file(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<Verdict> {
    for (const source of this.#sources) await source.learn?.(project, file, blob, caller);
    const seen = { project, file, facts: this.#facts(project), now: this.#clock.now() };
    return this.#verdict('file', (rule) => rule.file?.(seen));
  }

  async follow(project: string): Promise<void> {
    for (const source of this.#sources) await source.follow?.(project);
  }

  #facts(project: string): Facts {
    const known = this.#sources.map((source) => [source.name, source.of(project)] as const);
    return known.length === 0 ? NO_FACTS : Object.fromEntries(known);
  }

  #verdict(subject: 'page' | 'file', ask: (rule: Rule) => Word | undefined): Verdict {
    const said: Said[] = [];
    for (const rule of this.#rules) {
      const word = ask(rule);
      if (word !== undefined) said.push({ rule, word });
    }
    return verdictOf(said, subject);
  }
}
