import { type Instant, instantText } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config, IndexConfig } from '../../config/config.ts';
import type { RequestAnswer } from '../../ports/policy.ts';
import { projectCandidates } from '../../pypi/names.ts';
import { parseVersion } from '../../pypi/requirement/version.ts';
import { versionKey } from '../../pypi/versions.ts';
import type { Answered, AnswerRequest } from '../control/requests.ts';
import { indexOf } from '../data-directory.ts';
import { rulesFor } from '../policy/rules.ts';
import { audited } from './audited.ts';
import { type OperatorPlace, projectOf } from './place.ts';
import { namesOf, textOf } from './quarantine.ts';

interface AnswerPlace extends Pick<OperatorPlace, 'config' | 'inForce' | 'state' | 'now'> {
  readonly journal: Pick<OperatorPlace['journal'], 'note' | 'flush'>;
}

/** Answers of one project that are kept; those that are over are not. */
export const MOST_ANSWERS = 1000;

/**
 * Answers what a rule refuses of a project, a version or a file: it may pass, or stays refused and whoever asks next is told why. An answer takes the
 * place of an earlier one to the same. Throws Refusal.
 */
export async function answerIn(place: AnswerPlace, request: AnswerRequest): Promise<Answered> {
  const { index, action, version, file, rule, reason, until, dryRun } = request;
  const configured = indexOf(place.config, index);
  const project = projectOf(request.name);
  const at = place.now();
  refuseUnfit(request, project, at);
  refuseNoRule(place.config, place.inForce?.(configured) ?? configured, {
    project,
    rule,
    whole: version === undefined && file === undefined,
  });
  const state = await place.state(index);
  const item = state.answers(project);
  const answer: RequestAnswer = {
    action,
    ...(version !== undefined && { version }),
    ...(file !== undefined && { file }),
    rule,
    reason,
    ...(until !== undefined && { until }),
    at,
  };
  const next = (answers: readonly RequestAnswer[]) => {
    const others = answers.filter(
      (each) => !isToTheSame(each, answer) && (each.until === undefined || each.until > at),
    );
    if (others.length >= MOST_ANSWERS)
      throw new Refusal(
        'limit',
        `There are ${MOST_ANSWERS} answers of ${project} already. Answer for all of it, or write an exception into the policy.`,
        { subject: 'request' },
      );
    return [...others, answer];
  };
  const before = (await item.read())?.value ?? [];
  const files = file === undefined ? await namesOf(state, project, version) : [file];
  const after = next(before);
  if (!dryRun) {
    // The word is kept before anything follows from it.
    await audited(state, at, auditText(request, project), reason);
    await item.change((known) => next(known?.value ?? []));
    if (action === 'allow') {
      const what = `passes ${rule} by an operator's word${until === undefined ? '' : ` until ${instantText(until)}`}`;
      place.journal.note({ at, index, project, file, kind: 'accepted', after: what, reason });
      await place.journal.flush();
    }
  }
  return { project, was: before.find((each) => isToTheSame(each, answer)), answers: after, files };
}

function refuseUnfit({ version, file, action, until }: AnswerRequest, project: string, at: Instant): void {
  if (version !== undefined && parseVersion(version) === undefined)
    throw unfit(`"${version}" is no version such as 1.2.3.`);
  if (file !== undefined && version !== undefined)
    throw unfit('Say which version or which file is meant, and not both.');
  if (file !== undefined && !projectCandidates(file).includes(project))
    throw unfit(`"${file}" is no file of ${project}.`);
  if (until === undefined) return;
  if (action === 'deny') throw unfit('What stays refused has no end: answer again to let it pass.');
  if (until <= at) throw unfit(`${instantText(until)} is over already.`);
}

/** An answer to a rule that there is not, or that asks nobody, would do nothing. */
function refuseNoRule(
  config: Config,
  index: IndexConfig,
  { project, rule, whole }: { readonly project: string; readonly rule: string; readonly whole: boolean },
): void {
  const rules = rulesFor(config, index);
  const found = rules.find(({ name }) => name === rule);
  if (found === undefined) {
    const names = [...new Set(rules.map(({ name }) => `"${name}"`))].join(', ');
    throw unfit(
      `The index ${index.name} has no rule "${rule}" that exceptions are made from. ${names === '' ? 'It has none.' : `It has ${names}.`} What is in quarantine is let out by quarantine --lift.`,
    );
  }
  if (!whole && found.project?.(project) !== undefined)
    throw unfit(`The rule "${rule}" refuses all of ${project}: answer for the project, without a version or file.`);
}

function isToTheSame(one: RequestAnswer, other: RequestAnswer): boolean {
  return one.rule === other.rule && one.file === other.file && keyOf(one) === keyOf(other);
}

function keyOf({ version }: RequestAnswer): string | undefined {
  return version === undefined ? undefined : versionKey(version);
}

function auditText({ action, version, file, rule, until }: AnswerRequest, project: string): string {
  const what = file === undefined ? textOf(project, version) : `${project} ${file}`;
  return `requests --${action} ${what}, rule ${rule}${until === undefined ? '' : `, until ${instantText(until)}`}`;
}

function unfit(message: string): Refusal {
  return new Refusal('format', message, { subject: 'request' });
}
