import { createClock } from '../../app/clock.ts';
import { indexOf } from '../../app/data-directory.ts';
import { type AskedFor, askedOf } from '../../app/policy/asked.ts';
import { counted } from '../../bytes/counted.ts';
import { instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import type { Config } from '../../config/config.ts';
import { print, printJson } from '../output.ts';

interface RequestsOptions {
  readonly index: string | undefined;
  /** Also what is answered, or over. */
  readonly all: boolean;
  readonly records: readonly string[];
  readonly json: boolean;
}

/** `verbatim requests`: what was asked for and refused by policy, and is not answered; what most ask for comes first. */
export async function requests(config: Config, { index, all, records, json }: RequestsOptions): Promise<void> {
  if (index !== undefined) indexOf(config, index);
  const { asked, unnamed } = await askedOf(config, { index, records, now: createClock(config.referenceTime).now() });
  const shown = all ? asked : asked.filter(({ state }) => state === 'open');
  if (json) return printJson({ requests: shown, unnamed });
  for (const each of shown) tell(each);
  const open = asked.filter(({ state }) => state === 'open').length;
  const more = asked.length - shown.length;
  print(`${open} open${more === 0 ? '' : `; ${more} are answered or over (--all)`}.`);
  if (unnamed > 0)
    print(`${unnamed} more requests are of clients that asked for very many things, and are not told one by one.`);
  if (open > 0)
    print('To answer: verbatim requests --allow (or --deny) INDEX NAME[==VERSION] --rule RULE --reason "..."');
}

function tell({ index, project, version, files, rule, sentence, until, answer, ...asked }: AskedFor): void {
  const { first, last, count, clients, state } = asked;
  const file = files.length === 1 && version === undefined ? ` ${files[0]}` : '';
  const what = shownField(version === undefined ? `${project}${file}` : `${project}==${version}`);
  const times = `${counted(count, 'time')} by ${counted(clients, 'client')}`;
  const itself = until === undefined ? '' : `, passes by itself from ${instantText(until)}`;
  print(`${index} ${what}  [${rule}]  ${times}, ${instantText(first)} to ${instantText(last)}${itself}`);
  print(`  ${shownField(sentence)}`);
  if (answer === undefined) return;
  const end = answer.until === undefined ? '' : ` until ${instantText(answer.until)}`;
  print(`  ${state}${end}, ${instantText(answer.at)}: ${shownField(answer.reason)}`);
}
