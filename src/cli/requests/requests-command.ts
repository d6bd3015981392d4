import { type Command, InvalidArgumentError, Option } from 'commander';
import { existing } from '../../bytes/existing.ts';
import { collect, dayOrInstant } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

interface Flags extends CommonFlags {
  readonly allow?: boolean;
  readonly deny?: boolean;
  readonly index?: string;
  readonly all?: boolean;
  readonly records?: readonly string[];
  readonly file?: string;
  readonly rule?: string;
  readonly reason?: string;
  readonly until?: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function requestsCommand(program: Command): void {
  withPlace(
    program
      .command('requests')
      .description('what was asked for and refused by policy; --allow and --deny answer it, and keep why'),
  )
    .argument('[index]', 'with --allow or --deny: which index')
    .argument('[name[==version]]', 'which project, or which version of it')
    .option('--index <name>', 'of one index only')
    .option('--all', 'also what is answered, or over')
    .option('--records <dir>', 'also what the data directory of a replica, or its copy, has; may be repeated', collect)
    .addOption(new Option('--allow', 'let it pass this rule').conflicts('deny'))
    .option('--deny', 'keep it refused, and tell whoever asks next why')
    .option('--rule <name>', 'with --allow or --deny: the rule, as the list and the sentence name it')
    .option('--file <name>', 'only this file of the project')
    .option('--reason <text>', 'why; clients are told, and it is kept in the audit trail')
    .addOption(new Option('--until <date>', 'with --allow: before this day or time only').argParser(dayOrInstant))
    .option('--dry-run', 'only say what would pass, or stay refused')
    .option('--json', 'for machines')
    .action(async (index: string | undefined, what: string | undefined, flags: Flags) => {
      const { json = false } = flags;
      const answer = answerOf(flags, index, what);
      const config = await configOf(flags);
      if (answer !== undefined) return (await import('./answer.ts')).answer(config, { ...answer, json });
      const { all = false, records = [] } = flags;
      return (await import('./requests.ts')).requests(config, { index: flags.index, all, records, json });
    });
}

/** Undefined where nothing is answered. */
function answerOf(flags: Flags, index: string | undefined, what: string | undefined) {
  const { allow = false, deny = false, rule, reason, file, until, dryRun = false, all, records } = flags;
  if (!allow && !deny) {
    const isAnswer = [index, what, rule, reason, file, until].some((each) => each !== undefined) || dryRun;
    if (isAnswer) throw new InvalidArgumentError('Say --allow or --deny; a list takes --index, --all and --records.');
    return undefined;
  }
  if (flags.index !== undefined || all === true || records !== undefined)
    throw new InvalidArgumentError('--index, --all and --records are of the list: an answer names its index first.');
  if (what === undefined || rule === undefined || reason === undefined)
    throw new InvalidArgumentError('An answer takes INDEX NAME[==VERSION] --rule RULE --reason TEXT.');
  const named = existing(index, 'a project was named and no index');
  return { index: named, what, action: allow ? 'allow' : 'deny', rule, reason, file, until, dryRun } as const;
}
