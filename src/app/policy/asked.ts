import type { Instant } from '../../bytes/instant.ts';
import type { Config } from '../../config/config.ts';
import { type RequestSum, RequestsRecord } from '../../disk/records/requests-record.ts';
import { answerOf } from '../../mirror/policy/answers.ts';
import { answerOn } from '../../policy/exceptions.ts';
import type { RequestAnswer } from '../../ports/policy.ts';
import { pep440VersionOf } from '../../pypi/names.ts';
import { versionKey } from '../../pypi/versions.ts';
import { readDataDirectory, withRecords } from '../data-directory.ts';

/** `over`: the rule has nothing to say of it any more, because time went by. */
export type AskedState = 'open' | 'allowed' | 'denied' | 'over';

/** A version, a file or a whole project that a rule refuses, and who asked for it. */
export interface AskedFor {
  readonly index: string;
  readonly project: string;
  /** Undefined where it is the whole project, or a file whose name has none. */
  readonly version: string | undefined;
  /** Those that were asked for, the first of very many; none where it was the project. */
  readonly files: readonly string[];
  readonly rule: string;
  /** What was answered last. */
  readonly sentence: string;
  readonly first: Instant;
  readonly last: Instant;
  readonly count: number;
  /** How many different clients or users. */
  readonly clients: number;
  /** It passes by itself from then on. */
  readonly until: Instant | undefined;
  readonly state: AskedState;
  readonly answer: RequestAnswer | undefined;
}

export interface Asked {
  /** What most ask for comes first. */
  readonly asked: readonly AskedFor[];
  /** Requests of clients that asked for so many things that they are not told one by one. */
  readonly unnamed: number;
}

interface AskedOptions {
  /** Of all indexes where none is named. */
  readonly index: string | undefined;
  /** Data directories of replicas, or copies of them, besides that of the configuration. */
  readonly records: readonly string[];
  readonly now: Instant;
}

/** File names that one entry has. */
const MOST_FILES = 20;

/** What was asked for and refused by policy, with what operators answered, as far back as the records go. Changes nothing. Throws Refusal. */
export async function askedOf(config: Config, { index, records, now }: AskedOptions): Promise<Asked> {
  const sums: RequestSum[] = [];
  let unnamed = 0;
  for (const data of new Set([config.data, ...records]))
    await withRecords({ ...config, data }, async (database) => {
      const record = new RequestsRecord(database, { days: config.cache.accessDays });
      const found = await record.sums();
      await record.close();
      sums.push(...found.sums);
      unnamed += found.unnamed;
    });
  const wanted = sums.filter((sum) => config.indexes[sum.index] !== undefined && (index ?? sum.index) === sum.index);
  const answers = await answersOf(config, wanted);
  const answersTo = async (of: string, project: string) => answers.get(answersKey({ index: of, project })) ?? [];
  return { asked: await askedIn(wanted, answersTo, now), unnamed };
}

/** The same of sums that were read, with what operators answered on a project of an index. Throws as `answersTo` does. */
export async function askedIn(
  sums: readonly RequestSum[],
  answersTo: (index: string, project: string) => Promise<readonly RequestAnswer[]>,
  now: Instant,
): Promise<readonly AskedFor[]> {
  const judged: Judged[] = [];
  for (const sum of sums) judged.push(judgedBy(sum, await answersTo(sum.index, sum.project), now));
  return [...Map.groupBy(judged, keyOf).values()].map(entryOf).sort(byDemand);
}

function byDemand(one: AskedFor, other: AskedFor): number {
  return other.clients - one.clients || other.count - one.count || other.last - one.last;
}

interface Judged {
  readonly sum: RequestSum;
  readonly state: AskedState;
  readonly answer: RequestAnswer | undefined;
}

function judgedBy(sum: RequestSum, answers: readonly RequestAnswer[], now: Instant): Judged {
  const { project, file: filename, rule: name } = sum;
  const covering = answers.map((given) => ({ ...answerOf(project, given), given }));
  const answer = answerOn(covering, { name }, { project, filename, now })?.given;
  return { sum, answer, state: stateOf(answer, sum.until, now) };
}

/** Files of one version are one thing, as long as they have one answer; a file without a version is a thing of its own. */
function keyOf({ sum, state, answer }: Judged): string {
  const version = versionIn(sum);
  const thing = version === undefined ? sum.file : versionKey(version);
  return JSON.stringify([sum.index, sum.project, sum.rule, version === undefined, thing, state, answer]);
}

function versionIn({ file, project }: RequestSum): string | undefined {
  return file === undefined ? undefined : pep440VersionOf(file, project);
}

function entryOf(group: readonly Judged[]): AskedFor {
  const newest = group.reduce((one, other) => (other.sum.last > one.sum.last ? other : one));
  const { index, project, rule, sentence, last, until } = newest.sum;
  const sums = group.map(({ sum }) => sum);
  return {
    index,
    project,
    version: versionIn(newest.sum),
    files: [...new Set(sums.flatMap(({ file }) => file ?? []))].toSorted().slice(0, MOST_FILES),
    rule,
    sentence,
    first: Math.min(...sums.map(({ first }) => first)),
    last,
    count: sums.reduce((all, { count }) => all + count, 0),
    clients: new Set(sums.flatMap(({ clients }) => [...clients])).size,
    until,
    state: newest.state,
    answer: newest.answer,
  };
}

function stateOf(answer: RequestAnswer | undefined, until: Instant | undefined, now: Instant): AskedState {
  if (until !== undefined && until <= now) return 'over';
  if (answer === undefined) return 'open';
  return answer.action === 'allow' ? 'allowed' : 'denied';
}

/** By index and project. */
type Answers = ReadonlyMap<string, readonly RequestAnswer[]>;

const answersKey = ({ index, project }: Pick<RequestSum, 'index' | 'project'>) => JSON.stringify([index, project]);

async function answersOf(config: Config, sums: readonly RequestSum[]): Promise<Answers> {
  const answers = new Map<string, readonly RequestAnswer[]>();
  if (sums.length === 0) return answers;
  const directory = await readDataDirectory(config);
  try {
    for (const [index, ofIndex] of Map.groupBy(sums, (sum) => sum.index)) {
      const { state } = await directory.open(index);
      for (const project of new Set(ofIndex.map((sum) => sum.project)))
        answers.set(answersKey({ index, project }), (await state.answers(project).read())?.value ?? []);
    }
    return answers;
  } finally {
    await directory.close();
  }
}
