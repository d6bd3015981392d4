import type { Caller } from '../../async/caller.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { quarantinedHere } from '../../policy/by-hand.ts';
import { type Exception, excepted } from '../../policy/exceptions.ts';
import { type Facts, NO_FACTS } from '../../policy/facts.ts';
import { judgePage, type Said, verdictOf } from '../../policy/judge.ts';
import type { Rule, Word } from '../../policy/rule.ts';
import { quarantinedUpstream } from '../../policy/upstream-status.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Inside } from '../../ports/contents/inside.ts';
import type { Pin } from '../../ports/index-state.ts';
import type { Allowed, PageVerdict, Policy, Verdict } from '../../ports/policy.ts';
import type { JudgedPage, Listing, OwnFile } from '../../pypi/listing.ts';
import type { FactSource } from './fact-source.ts';

interface ComposedOptions {
  readonly rules: readonly Rule[];
  /** Of the configuration; those that operators granted are facts. */
  readonly exceptions?: readonly Exception[] | undefined;
  readonly sources: readonly FactSource[];
  readonly clock: Pick<Clock, 'now'>;
}

const SERVE: Allowed = { action: 'serve' };

/** Every index has these: what its own configuration adds comes besides. */
const ALWAYS: readonly Rule[] = [quarantinedUpstream, quarantinedHere];

/** Rules over facts: the strictest word of all of them counts. */
export class ComposedPolicy implements Policy {
  #rules: readonly Rule[] = ALWAYS;
  #exceptions: readonly Exception[] = [];
  #version = '';
  readonly #sources: readonly FactSource[];
  readonly #clock: Pick<Clock, 'now'>;

  constructor({ sources, clock, ...written }: ComposedOptions) {
    this.#sources = sources;
    this.#clock = clock;
    this.use(written);
  }

  /** These rules and exceptions from now on. */
  use({ rules, exceptions = [] }: Pick<ComposedOptions, 'rules' | 'exceptions'>): void {
    this.#rules = [...ALWAYS, ...rules];
    this.#exceptions = exceptions;
    const written = exceptions.map(({ pattern, file, rule, reason, until }) => [
      pattern.text,
      file,
      rule,
      reason,
      until,
    ]);
    // The configuration may be long, and this is part of a key.
    const all = JSON.stringify([this.#rules.map(({ name, version }) => [name, version]), written]);
    this.#version = sha256Hex(Buffer.from(all)).slice(0, 32);
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
    if (!this.#rules.some((rule) => rule.project !== undefined)) return SERVE;
    return this.#verdict({ project, filename: undefined }, (rule) => rule.project?.(project));
  }

  page(page: JudgedPage, pins: ReadonlyMap<string, Pin>, now: number): PageVerdict {
    const facts = this.#facts(page.name);
    return judgePage(this.#rules, { page, pins, now, facts }, this.#exceptions);
  }

  unlisted(project: string, filename: string, pin?: Pin): Verdict {
    const facts = this.#facts(project);
    const was = pin && { pin, now: this.#clock.now() };
    return this.#verdict({ project, filename }, (rule) => rule.unlisted?.(project, filename, facts, was));
  }

  async file(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<Verdict> {
    for (const source of this.#sources) await source.learn?.(project, file, blob, caller);
    const facts = this.#facts(project);
    const seen = { project, file, facts, now: this.#clock.now() };
    return this.#verdict({ project, filename: file.entry.filename }, (rule) => rule.file?.(seen));
  }

  async recall(project: string): Promise<void> {
    for (const source of this.#sources) await source.recall?.(project);
  }

  looked(page: Listing): void {
    for (const source of this.#sources) source.looked?.(page);
  }

  seeInside(inside: Inside): void {
    for (const source of this.#sources) source.seeInside?.(inside);
  }

  async follow(project: string): Promise<void> {
    for (const source of this.#sources) await source.follow?.(project);
  }

  #facts(project: string): Facts {
    const known = this.#sources.map((source) => [source.name, source.of(project)] as const);
    return known.length === 0 ? NO_FACTS : Object.fromEntries(known);
  }

  #verdict(
    { project, filename }: { readonly project: string; readonly filename: string | undefined },
    ask: (rule: Rule) => Word | undefined,
  ): Verdict {
    const now = this.#clock.now();
    const exceptions = { configured: this.#exceptions, answers: this.#facts(project).answers ?? [] };
    const said: Said[] = [];
    for (const rule of this.#rules) {
      const word = ask(rule);
      if (word !== undefined) said.push({ rule, word: excepted(exceptions, rule, word, { project, filename, now }) });
    }
    return verdictOf(said, project, filename === undefined);
  }
}
