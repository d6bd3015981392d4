import { onServers } from '../../app/control/on-servers.ts';
import { Answered, type AnswerRequest } from '../../app/control/requests.ts';
import { indexOf } from '../../app/data-directory.ts';
import { answerIn } from '../../app/operator/answer.ts';
import { withOperatorPlace } from '../../app/operator/place.ts';
import { instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson } from '../output.ts';
import { sayUntold } from '../untold.ts';

interface AnswerOptions extends Omit<AnswerRequest, 'name' | 'version' | 'file' | 'until'> {
  /** `NAME` or `NAME==VERSION`. */
  readonly what: string;
  readonly file: string | undefined;
  readonly until: number | undefined;
  readonly json: boolean;
}

/** `verbatim requests --allow` and `--deny`: answers what a rule refuses, in the servers where some run. */
export async function answer(config: Config, { json, what, file, until, ...said }: AnswerOptions): Promise<void> {
  const { index, dryRun } = said;
  indexOf(config, index);
  const [name = '', version] = what.split('==').map((part) => part.trim());
  const request: AnswerRequest = {
    ...said,
    name,
    ...(version !== undefined && { version }),
    ...(file !== undefined && { file }),
    ...(until !== undefined && { until }),
  };
  const live = await onServers(config, 'answer', request, Answered, ({ project }) =>
    dryRun ? undefined : { index, projects: [project] },
  );
  const done = live?.answer ?? (await withOperatorPlace(config, (place) => answerIn(place, request)));
  if (json) printJson({ index, dryRun, ...done });
  else tell(done, file ?? what, request);
  sayUntold(live?.untold);
}

function tell({ was, files }: Answered, what: string, { action, rule, until, dryRun }: AnswerRequest): void {
  const done = action === 'allow' ? 'let past' : 'kept refused by';
  const end = until === undefined ? '' : ` until ${instantText(until)}`;
  const before = was == null ? '' : `; the answer before was ${was.action}: ${shownField(was.reason)}`;
  print(`${shownField(what)} ${dryRun ? 'would be' : 'is'} ${done} the rule "${rule}"${end}${before}.`);
  print(`${files.length} of its files were seen here${files.length === 0 ? '.' : ':'}`);
  for (const each of files) print(`  ${shownField(each)}`);
  if (!dryRun) print('It is in the audit trail. Servers that run here follow at once.');
}
