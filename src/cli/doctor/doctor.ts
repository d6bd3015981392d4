import { examine } from '../../app/doctor/examine.ts';
import { AREAS, type Finding, type Grade } from '../../app/doctor/finding.ts';
import { counted } from '../../bytes/counted.ts';
import type { LoadOptions } from '../../config/load.ts';
import { VERSION } from '../../version.ts';
import { print, printFolded, printJson, sayOver } from '../output.ts';

const WORDS: Readonly<Record<Grade, string>> = { good: 'ok', note: 'note', warning: 'WARNING', error: 'ERROR' };

/** `verbatim doctor`: looks at everything, and says what to do. False where something does not work. */
export async function doctor(given: LoadOptions, json: boolean): Promise<boolean> {
  const all: Finding[] = [];
  const onBegin = (area: keyof typeof AREAS) => void sayOver(`looking at: ${AREAS[area]} …`);
  for await (const findings of examine({ given, folder: process.cwd(), onBegin })) {
    all.push(...findings);
    sayOver('');
    if (!json) printFolded(...linesOf(findings));
  }
  const count = (grade: Grade) => all.filter((each) => each.grade === grade).length;
  const [errors, warnings] = [count('error'), count('warning')];
  if (json)
    printJson({
      version: VERSION,
      fine: errors === 0,
      errors,
      warnings,
      findings: all.map(({ next, ...finding }) => ({ ...finding, next: next ?? null })),
    });
  else print('', summary(errors, warnings));
  return errors === 0;
}

function linesOf(findings: readonly Finding[]): readonly string[] {
  const [first] = findings;
  if (first === undefined) return [];
  return [
    AREAS[first.area],
    ...findings.flatMap(({ grade, message, next }) => [
      `  ${WORDS[grade].padEnd(8)}${message}`,
      ...(next === undefined ? [] : [`${' '.repeat(10)}-> ${next}`]),
    ]),
  ];
}

function summary(errors: number, warnings: number): string {
  if (errors + warnings === 0) return 'All is well.';
  const some = (count: number, what: string) => (count === 0 ? [] : [counted(count, what)]);
  return `${[...some(errors, 'error'), ...some(warnings, 'warning')].join(' and ')}: see the lines with ->.`;
}
