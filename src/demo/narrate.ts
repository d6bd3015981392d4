import { stripVTControlCharacters, styleText } from 'node:util';
import { shown } from '../bytes/printable.ts';

/** How one attack ended, for the table at the end. */
export interface Ending {
  readonly attack: string;
  /** `refused`: what was to be prevented was. `limit`: what no mirror can prevent, told beforehand. */
  readonly kind: 'refused' | 'limit' | 'failed';
  readonly outcome: string;
}

/** Tells the story and keeps account of what did not go as told. */
export interface Narrator {
  readonly title: (text: string) => void;
  readonly step: (text: string) => void;
  /** Under a step: the next of several scenes. */
  readonly scene: (text: string) => void;
  readonly say: (text: string) => void;
  /** Something to be copied, or quoted as it came: one line each, never wrapped. */
  readonly quote: (...lines: readonly string[]) => void;
  /** Who did what. */
  readonly fact: (who: string, what: string) => void;
  /** Told as done where it happened, as failed with what was seen instead where not. */
  readonly outcome: (holds: boolean, text: string, instead?: string) => void;
  /** As `outcome`, for what is expected and yet nothing to be glad of. */
  readonly limit: (holds: boolean, text: string, instead?: string) => void;
  readonly table: (endings: readonly Ending[]) => void;
  readonly failures: readonly string[];
}

type Format = Parameters<typeof styleText>[0];

const WIDTH = 100;
const FACT_WIDTH = 12;

/** Colour and signs on a terminal, words elsewhere. */
export function createNarrator(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Narrator {
  const failures: string[] = [];
  const terminal = stream.isTTY === true;
  const paint = (format: Format, text: string) => (terminal ? styleText(format, shown(text), { stream }) : shown(text));
  const line = (text = '') => void stream.write(`${text.trimEnd()}\n`);
  const mark = (kind: 'ok' | 'limit' | 'failed') => {
    if (!terminal) return kind === 'ok' ? 'ok    ' : kind === 'limit' ? 'LIMIT ' : 'FAILED';
    return kind === 'ok' ? paint('green', '✔') : kind === 'limit' ? paint('yellow', '!') : paint('red', '✘');
  };
  const marked = (sign: string, text: string) => {
    const [first = '', ...rest] = wrap(text, WIDTH - 10);
    line(`  ${sign} ${first}`);
    for (const more of rest) line(`  ${' '.repeat(stripVTControlCharacters(sign).length)} ${more}`);
  };
  const outcomeAs = (kind: 'ok' | 'limit') => (holds: boolean, text: string, instead?: string) => {
    if (holds) return marked(mark(kind), text);
    failures.push(text);
    marked(mark('failed'), `${text} This did not happen${instead === undefined ? '.' : `: ${instead}`}`);
  };
  let steps = 0;
  let scenes = 0;
  return {
    title: (text) => line(paint('bold', text)),
    step(text) {
      steps++;
      scenes = 0;
      line();
      line(paint('bold', `${steps}. ${text}`));
    },
    scene(text) {
      line();
      line(paint('bold', `${steps}${String.fromCharCode(97 + scenes++)}. ${text}`));
    },
    say(text) {
      for (const words of wrap(text, WIDTH - 2)) line(`  ${words}`);
    },
    quote(...lines) {
      for (const words of lines) line(paint('dim', `    ${words}`));
    },
    fact(who, what) {
      wrap(what, WIDTH - FACT_WIDTH - 3).forEach((words, at) => {
        line(`  ${paint('dim', (at === 0 ? who : '').padEnd(FACT_WIDTH))} ${words}`);
      });
    },
    outcome: outcomeAs('ok'),
    limit: outcomeAs('limit'),
    table(endings) {
      const width = Math.max(...endings.map(({ attack }) => attack.length));
      for (const { attack, kind, outcome } of endings)
        line(`  ${mark(kind === 'refused' ? 'ok' : kind)} ${attack.padEnd(width)}  ${shown(outcome)}`);
    },
    failures,
  };
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of shown(text).split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || `${last} ${word}`.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
