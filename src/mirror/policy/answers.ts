import type { OperatorAnswer } from '../../policy/exceptions.ts';
import type { IndexState } from '../../ports/index-state.ts';
import type { RequestAnswer } from '../../ports/policy.ts';
import { versionKey } from '../../pypi/versions.ts';
import type { FactSource } from './fact-source.ts';

/** Where operators' answers are kept. */
export type AnswersKept = Pick<IndexState, 'answers' | 'projects'>;

interface Read {
  readonly answers: readonly OperatorAnswer[];
  /** Of the item it was read from: an older one takes nothing back. */
  readonly version: number;
  readonly id: string;
}

/** What operators answered to what was refused: exceptions, and what stays as it is. */
export class OperatorAnswers implements FactSource<'answers'> {
  readonly name = 'answers';
  readonly #kept: AnswersKept;
  readonly #read = new Map<string, Read>();

  constructor(kept: AnswersKept) {
    this.#kept = kept;
  }

  /** Throws Refusal `state`. */
  static async open(kept: AnswersKept): Promise<OperatorAnswers> {
    const source = new OperatorAnswers(kept);
    for await (const project of kept.projects('answers')) await source.follow(project);
    return source;
  }

  version(project: string): string {
    const read = this.#read.get(project);
    return read === undefined || read.answers.length === 0 ? '' : read.id;
  }

  of(project: string): readonly OperatorAnswer[] | undefined {
    return this.#read.get(project)?.answers;
  }

  async follow(project: string): Promise<void> {
    const known = await this.#kept.answers(project).read();
    if (known === undefined) {
      this.#read.delete(project);
      return;
    }
    const { version, id, value } = known;
    if ((this.#read.get(project)?.version ?? 0) > version) return;
    this.#read.set(project, { version, id, answers: value.map((answer) => answerOf(project, answer)) });
  }
}

/** As rules are held against it. */
export function answerOf(
  project: string,
  { action, version, file, rule, reason, until }: RequestAnswer,
): OperatorAnswer {
  return {
    action,
    pattern: { text: project, glob: project, versions: undefined },
    version: version === undefined ? undefined : versionKey(version),
    file,
    rule,
    reason,
    until,
  };
}
