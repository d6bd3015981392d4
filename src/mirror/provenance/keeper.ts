import { type Caller, internalCaller } from '../../async/caller.ts';
import { createFlights, type Flights } from '../../async/flight.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import {
  areExpected,
  judgementOf,
  nameOf,
  type ProvenanceFacts,
  type ProvenanceMode,
} from '../../policy/provenance.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Emit } from '../../ports/events.ts';
import type { IndexState, Pins } from '../../ports/index-state.ts';
import type { KeptJudgement, KeptProvenance, KnownPublisher } from '../../ports/provenance/kept.ts';
import type { JudgedFile, JudgedPage, OwnFile } from '../../pypi/listing.ts';
import type { UnverifiedDocuments } from '../package-index.ts';
import type { FactSource } from '../policy/fact-source.ts';
import { isJudged, newestAnnounced, unjudged } from './choice.ts';
import { type JudgingOptions, judgeFile } from './judging.ts';

export interface KeeperOptions extends JudgingOptions {
  readonly index: string;
  readonly state: Pick<IndexState, 'provenance'>;
  readonly pins: Pick<Pins, 'of'>;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly mode: (project: string) => ProvenanceMode;
  /** Whom the configuration expects the files of a project from. */
  readonly expected: (project: string) => ProvenanceFacts['expected'];
}

interface Known {
  readonly facts: ProvenanceFacts;
  readonly version: string;
}

/** Bytes of memory for what is known of projects. */
const MEMORY = 32 * 1024 * 1024;
const BYTES_PER_FILE = 600;
const NOTHING = '';

/** Keeps who published the files of each project, and finds it out. */
export class ProvenanceKeeper implements FactSource<'provenance'> {
  readonly name = 'provenance';
  readonly #options: KeeperOptions;
  readonly #known = new BoundedMap<Known>({ bytes: MEMORY });
  readonly #flights: Flights<void> = createFlights();
  readonly #background = new Set<string>();
  #documents: Pick<UnverifiedDocuments, 'provenanceOf'> | undefined;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** From where provenance is had: of an index that has no place for it nothing is found out. */
  attach(documents: Pick<UnverifiedDocuments, 'provenanceOf'> | undefined): void {
    this.#documents = documents;
  }

  version(project: string): string {
    return this.#options.mode(project) === 'off' ? NOTHING : (this.#known.get(project)?.version ?? 'unread');
  }

  of(project: string): ProvenanceFacts | undefined {
    return this.#known.get(project)?.facts;
  }

  async recall(project: string): Promise<void> {
    if (this.#options.mode(project) !== 'off' && !this.#known.has(project)) await this.follow(project);
  }

  async follow(project: string): Promise<void> {
    if (this.#options.mode(project) === 'off') return;
    await this.#keep(project, (await this.#options.state.provenance(project).read())?.value);
  }

  /** Behind the answer: one look at a project at a time. Where nothing is held back, only what is asked for costs upstream a request. */
  looked(page: JudgedPage): void {
    const { mode, index } = this.#options;
    const project = page.name;
    const own = mode(project);
    if (own === 'off' || own === 'report' || this.#documents === undefined || this.#background.has(project)) return;
    const files = newestAnnounced(page);
    if (files.length === 0) return;
    this.#background.add(project);
    const look = async () => {
      await this.#begin(project);
      await this.#judge(project, files, { pins: true }, internalCaller(index, 'provenance'));
    };
    look()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#background.delete(project));
  }

  /** Where nothing is held back for it, the file is not kept waiting either. */
  async learn(project: string, file: OwnFile, _blob: Blob, caller: Caller): Promise<void> {
    const { mode, index } = this.#options;
    const own = mode(project);
    if (own === 'off' || file.entry.provenance === undefined || this.#documents === undefined) return;
    await this.recall(project);
    const judge = async (by: Caller) => {
      await this.#begin(project);
      await this.#judge(project, [file], { pins: own === 'report' }, by);
    };
    if (own !== 'report') return judge(caller);
    judge(internalCaller(index, 'provenance')).catch((error: unknown) => this.#failed(error));
  }

  /** First sight: what is listed by now is held to nothing. */
  async #begin(project: string): Promise<void> {
    if (this.#kept(project) !== undefined) return;
    const { state, clock } = this.#options;
    const first = firstSight(clock.now());
    await state.provenance(project).change((was) => (was === undefined ? first : undefined));
    await this.follow(project);
  }

  async #judge(
    project: string,
    files: readonly JudgedFile[],
    how: { readonly pins: boolean },
    caller: Caller,
  ): Promise<void> {
    const { root, clock } = this.#options;
    const { sha256 } = await root();
    const left = unjudged(files, this.#kept(project), sha256, clock.now());
    for (const file of left)
      await this.#flights.join(`${project} ${file.entry.filename}`, caller, async (shared) => {
        const before = judgementOf(file, this.#kept(project));
        const found = await this.#judgeOne(project, file, before, shared);
        if (found !== undefined) await this.#remember(project, file.entry.filename, before, found);
      });
    if (how.pins) await this.#pin(project, files);
  }

  async #judgeOne(
    project: string,
    file: JudgedFile,
    before: KeptJudgement | undefined,
    caller: Caller,
  ): Promise<KeptJudgement | undefined> {
    const now = this.#options.clock.now();
    const { sha256 } = await this.#options.root();
    if (this.#documents === undefined || isJudged(before, sha256, now)) return undefined;
    return judgeFile(this.#options, this.#documents, { project, file, before, now }, caller);
  }

  async #remember(
    project: string,
    name: string,
    before: KeptJudgement | undefined,
    found: KeptJudgement,
  ): Promise<void> {
    const { state, clock, pins } = this.#options;
    const { judgement } = found;
    const seen = (await pins.of(project)).get(name)?.seen;
    // What could not be had is known here alone, for a minute.
    const isLasting = judgement.result !== 'unavailable' || judgement.lasting;
    const stored = !isLasting
      ? undefined
      : await state.provenance(project).change((was) => {
          const kept = was?.value ?? firstSight(clock.now());
          const files = new Map([...kept.files, [name, found]]);
          // Nobody is known yet, and this came since: it is whom the next ones are held to.
          const isFirst = kept.publishers.length === 0 && seen !== undefined && seen > kept.since;
          return { ...kept, files, publishers: isFirst ? publishersOf([found], clock.now()) : kept.publishers };
        });
    const kept = stored?.value ?? this.#kept(project);
    if (kept !== undefined) await this.#keep(project, { ...kept, files: new Map([...kept.files, [name, found]]) });
    if (!isSameWord(before, found)) this.#tell(project, name, found);
  }

  /** Nobody is known yet: those of the newest releases are from now on. */
  async #pin(project: string, files: readonly JudgedFile[]): Promise<void> {
    if ((this.#kept(project)?.publishers.length ?? 0) > 0) return;
    const { state, clock } = this.#options;
    const stored = await state.provenance(project).change((was) => {
      if (was === undefined || was.value.publishers.length > 0) return undefined;
      const judged = files.map((file) => judgementOf(file, was.value)).filter((each) => each !== undefined);
      const publishers = publishersOf(judged, clock.now());
      return publishers.length === 0 ? undefined : { ...was.value, publishers };
    });
    if (stored !== undefined) await this.#keep(project, stored.value);
  }

  #kept(project: string): KeptProvenance | undefined {
    return this.#known.get(project)?.facts.kept;
  }

  async #keep(project: string, kept: KeptProvenance | undefined): Promise<void> {
    const { mode, expected, pins } = this.#options;
    const facts = { mode: mode(project), kept, expected: expected(project), pins: await pins.of(project) };
    const bytes = BYTES_PER_FILE * (1 + (kept?.files.size ?? 0));
    this.#known.set(project, { facts, version: versionOf(facts) }, bytes);
  }

  #tell(project: string, file: string, { judgement }: KeptJudgement): void {
    const why = judgement.result === 'verified' ? judgement.publishers.map(nameOf).join(' and ') : judgement.why;
    this.#options.emit({
      name: 'provenance',
      index: this.#options.index,
      project,
      file,
      result: judgement.result,
      why,
    });
  }

  #failed(error: unknown): void {
    // The page is judged by what is known; the next look finds out more.
    if (!(error instanceof Refusal)) this.#options.emit({ name: 'faulted', at: 'answer', error });
  }
}

function firstSight(since: Instant): KeptProvenance {
  return { since, publishers: [], accepted: [], files: new Map() };
}

function publishersOf(judged: Iterable<KeptJudgement>, since: Instant): readonly KnownPublisher[] {
  const found = new Map<string, KnownPublisher>();
  for (const { judgement } of judged)
    if (judgement.result === 'verified')
      for (const each of judgement.publishers)
        found.set(`${each.id} ${each.workflow} ${each.environment}`, { ...each, since, by: 'first-sight' });
  return [...found.values()];
}

function isSameWord(before: KeptJudgement | undefined, now: KeptJudgement): boolean {
  return JSON.stringify(before?.judgement) === JSON.stringify(now.judgement);
}

/** Of all that makes a page look otherwise: what is verified and expected changes nothing of it. */
function versionOf({ mode, kept, expected }: ProvenanceFacts): string {
  if (kept === undefined && expected.length === 0) return mode;
  const wrong = [...(kept?.files ?? [])].filter(([, { judgement }]) => judgement.result !== 'verified');
  const foreign = [...(kept?.files ?? [])].flatMap(([name, { judgement }]) =>
    judgement.result === 'verified' && !areExpected(judgement.publishers, { expected, kept }) ? [name] : [],
  );
  const parts = [kept?.since, kept?.publishers, kept?.accepted, expected, wrong, foreign];
  return `${mode} ${sha256Hex(Buffer.from(JSON.stringify(parts)))}`;
}
