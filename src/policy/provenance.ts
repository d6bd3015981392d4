import type { Instant } from '../bytes/instant.ts';
import type { Pin } from '../ports/index-state.ts';
import type { KeptJudgement, KeptProvenance, Unavailable } from '../ports/provenance/kept.ts';
import type { Publisher } from '../provenance/publisher.ts';
import type { JudgedFile, JudgedPage } from '../pypi/listing.ts';
import { isDistribution, releaseVersionOf } from '../pypi/names.ts';
import { versionKey } from '../pypi/versions.ts';
import type { Action, PageWords, Rule, Word } from './rule.ts';

/** How much provenance decides. `require-when-present`: what is announced must not be wrong; `require`: every file must be verified. */
export const PROVENANCE_MODES = ['off', 'report', 'require-when-present', 'require'] as const;
export type ProvenanceMode = (typeof PROVENANCE_MODES)[number];

/** Where nothing is said of a workflow or an environment, any will do. */
export interface ExpectedPublisher {
  readonly id: string;
  readonly workflow?: string | undefined;
  readonly environment?: string | undefined;
}

/** What is known of who published the files of one project. */
export interface ProvenanceFacts {
  readonly mode: ProvenanceMode;
  /** Undefined where no file of it ever announced any. */
  readonly kept: KeptProvenance | undefined;
  /** Whom the configuration expects its files from, from the first one on. */
  readonly expected: readonly ExpectedPublisher[];
  /** When its files were first seen. */
  readonly pins: ReadonlyMap<string, Pick<Pin, 'seen'>>;
}

/** Seconds after which provenance is asked for again that upstream says it has not, and that could not be asked for: installers wait as long. */
export const MISSING_FOR = 3600;
export const AWAY_FOR = 10;

/** Provenance that is wrong, cannot be had or is not there. */
export const provenanceRule: Rule = {
  name: 'provenance',
  version: '2',
  page({ page, now, facts: { provenance } }) {
    if (provenance === undefined || provenance.mode === 'off') return {};
    return wordsOf(page, (file) => wordOf(file, provenance, { at: 'page', now }));
  },
  file({ file, now, facts: { provenance } }) {
    return provenance === undefined || provenance.mode === 'off'
      ? undefined
      : wordOf(file, provenance, { at: 'file', now });
  },
};

/** Somebody else published it than those before. */
export const changedPublisher: Rule = {
  name: 'changed provenance',
  version: '1',
  page({ page, pins, facts: { provenance } }) {
    if (provenance === undefined || provenance.mode === 'off') return {};
    return wordsOf(page, (file) => changeOf(page.name, file, { ...provenance, pins }));
  },
  file({ project, file, facts: { provenance } }) {
    return provenance === undefined || provenance.mode === 'off' ? undefined : changeOf(project, file, provenance);
  },
};

/** Its project said who published its files, and this release says nothing. */
export const lostProvenance: Rule = {
  name: 'lost provenance',
  version: '1',
  page({ page, pins, facts: { provenance } }) {
    if (provenance === undefined || provenance.mode === 'off' || !expectsAnybody(provenance)) return {};
    const said = new Set<string>();
    for (const file of page.files.values())
      if (isAnnounced(file, provenance.kept)) said.add(releaseOf(page.name, file.entry.filename));
    return wordsOf(page, (file) => lossOf(page.name, file, said, { ...provenance, pins }));
  },
};

/** What is known of the very file that the page lists; undefined for anything else that had its name. */
export function judgementOf({ entry }: JudgedFile, kept: KeptProvenance | undefined): KeptJudgement | undefined {
  const judged = kept?.files.get(entry.filename);
  return judged !== undefined && judged.file === entry.digests.get('sha256') ? judged : undefined;
}

/** Of a file that its page lists no more: whether it did is seen by what was found out of it then. */
function isAnnounced(file: JudgedFile, kept: KeptProvenance | undefined): boolean {
  return file.entry.provenance !== undefined || (file.removed === true && judgementOf(file, kept) !== undefined);
}

function wordsOf(page: JudgedPage, of: (file: JudgedFile) => Word | undefined): PageWords {
  const files = new Map<string, Word>();
  for (const file of page.files.values()) {
    const word = of(file);
    if (word !== undefined) files.set(file.entry.filename, word);
  }
  return { files };
}

function isStrict({ mode }: ProvenanceFacts): boolean {
  return mode === 'require-when-present' || mode === 'require';
}

function heldBack(facts: ProvenanceFacts): Action {
  return isStrict(facts) ? 'hide' : 'report';
}

interface Asked {
  readonly at: 'page' | 'file';
  readonly now: Instant;
}

function wordOf(file: JudgedFile, facts: ProvenanceFacts, { at, now }: Asked): Word | undefined {
  if (!isDistribution(file.entry.filename)) return undefined;
  if (!isAnnounced(file, facts.kept))
    return facts.mode === 'require'
      ? {
          action: 'hide',
          sentence: (name) =>
            `${name} does not say who published it (PEP 740), and this mirror serves no file that does not${OFF}`,
        }
      : undefined;
  const judged = judgementOf(file, facts.kept);
  const judgement = judged?.judgement;
  switch (judgement?.result) {
    case 'verified':
      return undefined;
    case 'refused':
      return {
        action: heldBack(facts),
        sentence: (name) => `The provenance of ${name} is wrong: ${judgement.why}${OFF}`,
      };
    case 'unavailable':
      return unavailable(judgement, { until: retriedAt(judged?.at ?? 0, judgement), facts, at, now, file });
    case 'unchecked':
      return facts.mode === 'require'
        ? {
            action: 'hide',
            sentence: (name) =>
              `Who published ${name} cannot be checked here, which does not make it bad: ${judgement.why}${OFF}`,
          }
        : undefined;
    case undefined:
      return unjudged(facts, at);
  }
}

/** Judged before its first byte leaves; what could not be is not served unjudged, and stays on its page. */
function unjudged(facts: ProvenanceFacts, at: Asked['at']): Word | undefined {
  if (at === 'page' || !isStrict(facts)) return undefined;
  return {
    action: 'deny',
    sentence: (name) => `The provenance of ${name} could not be checked at this moment. Try again in a moment.`,
    again: 1,
  };
}

/** When provenance that was not to be had is asked for again. */
export function retriedAt(at: Instant, { lasting }: Unavailable): Instant {
  return at + (lasting ? MISSING_FOR : AWAY_FOR);
}

interface AskedAgain extends Asked {
  readonly file: JudgedFile;
  readonly until: Instant;
  readonly facts: ProvenanceFacts;
}

/** What upstream says it has not is held back. What it cannot bring now stays listed, so that nobody is given an older release without a word. */
function unavailable(judgement: Unavailable, { until, facts, at, now, file }: AskedAgain): Word | undefined {
  const { why, transient = false } = judgement;
  if (!isStrict(facts))
    return {
      action: 'report',
      sentence: (name) => `${name} announces provenance that cannot be had${transient ? ' now' : ''}: ${why}${OFF}`,
    };
  // Of what its page lists no more nobody is asked again.
  if (file.removed === true)
    return { action: 'hide', sentence: (name) => `${name} announced provenance that cannot be had: ${why}${OFF}` };
  if (now >= until) return unjudged(facts, at);
  if (!transient)
    return {
      action: 'hide',
      sentence: (name) => `${name} announces provenance that cannot be had: ${why}${OFF}`,
      until,
    };
  return {
    action: 'deny',
    sentence: (name) =>
      `${name} announces provenance that cannot be had at this moment, and it is not served unchecked: ${why}${OFF}`,
    until,
    again: until - now,
  };
}

const OFF = '. Whoever runs this mirror finds what to do in docs/provenance.md.';

function changeOf(project: string, file: JudgedFile, facts: ProvenanceFacts): Word | undefined {
  const judgement = judgementOf(file, facts.kept)?.judgement;
  if (judgement?.result !== 'verified' || !isHeldTo(project, file, facts)) return undefined;
  const { publishers } = judgement;
  if (areExpected(publishers, facts)) return undefined;
  const [now, before] = [publishers.map(nameOf).join(' and '), namesOf(facts)];
  return {
    action: heldBack(facts),
    sentence: (name) => `${name} was published by ${now}, and the files before it by ${before}. ${ACCEPT}`,
  };
}

const ACCEPT = 'An operator can accept that: verbatim accept-change --publisher VERSION.';

function lossOf(
  project: string,
  file: JudgedFile,
  said: ReadonlySet<string>,
  facts: ProvenanceFacts,
): Word | undefined {
  const { filename } = file.entry;
  if (isAnnounced(file, facts.kept) || !isDistribution(filename) || said.has(releaseOf(project, filename)))
    return undefined;
  if (!isHeldTo(project, file, facts)) return undefined;
  return {
    action: heldBack(facts),
    sentence: (name) =>
      `${name} does not say who published it, and releases before it did (${namesOf(facts)}). ${ACCEPT}`,
  };
}

function expectsAnybody(facts: ProvenanceFacts): boolean {
  return expectedBy(facts).length > 0;
}

function expectedBy({ expected, kept }: Pick<ProvenanceFacts, 'expected' | 'kept'>): ProvenanceFacts['expected'] {
  return expected.length > 0 ? expected : (kept?.publishers ?? []);
}

/** Whether each of them is one whom the files of the project are expected from. */
export function areExpected(
  publishers: readonly Publisher[],
  facts: Pick<ProvenanceFacts, 'expected' | 'kept'>,
): boolean {
  const known = expectedBy(facts);
  return publishers.every((each) => known.some((one) => isSame(one, each)));
}

/** What the configuration expects holds for all files; what was seen first, for those that came later and that no operator let pass. */
function isHeldTo(project: string, { entry }: JudgedFile, { kept, expected, pins }: ProvenanceFacts): boolean {
  const release = releaseOf(project, entry.filename);
  if (kept?.accepted.some(({ version }) => versionKey(version) === release) === true) return false;
  if (expected.length > 0) return true;
  const seen = pins.get(entry.filename)?.seen;
  return kept !== undefined && kept.publishers.length > 0 && seen !== undefined && seen > kept.since;
}

function isSame(known: ExpectedPublisher, { id, workflow, environment }: Publisher): boolean {
  return (
    known.id === id &&
    (known.workflow === undefined || known.workflow === workflow) &&
    (known.environment === undefined || known.environment === environment)
  );
}

function releaseOf(project: string, filename: string): string {
  return versionKey(releaseVersionOf(filename, project) ?? filename);
}

function namesOf({ expected, kept }: ProvenanceFacts): string {
  return expected.length > 0
    ? expected.map(({ id, workflow }) => [id, workflow].filter((part) => part !== undefined).join(' ')).join(' or ')
    : (kept?.publishers ?? []).map(nameOf).join(' or ');
}

/** For people. */
export function nameOf({ kind, name, workflow, environment }: Publisher): string {
  const parts = [kind, name, workflow, environment === undefined ? undefined : `(${environment})`];
  return parts.filter((part) => part !== undefined).join(' ');
}
