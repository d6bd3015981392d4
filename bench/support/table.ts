/** One line of the table: a measure, what it was compared with, and whether its threshold held. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  /** What stood beside it in the same run. */
  readonly beside: string;
  readonly result: string;
  readonly threshold: string;
  /** Undefined for a figure that is shown and not judged. */
  readonly held: boolean | undefined;
}

/** Tells the person who waits. */
export type Log = (text: string) => void;

/** A measure: takes figures and says them as rows. */
export type Measure = (log: Log) => Promise<readonly Row[]>;

interface Compared {
  readonly what: string;
  readonly ours: number;
  /** What it is held against; without a figure where that is not installed, and then nothing is judged. */
  readonly beside: Named;
  /** Shown as well. */
  readonly also?: readonly Named[];
  readonly show: (figure: number) => string;
  /** Where ratios were taken one by one: their median. */
  readonly ratio?: number | undefined;
  /** Of ours over the other. */
  readonly atLeast?: number;
  readonly atMost?: number;
}

type Named = readonly [name: string, figure: number | undefined];

/** Ours as a ratio of another's figure. */
export function compare({ what, ours, beside, also = [], show, atLeast, atMost, ...taken }: Compared): Row {
  const [, other] = beside;
  const ratio = taken.ratio ?? (other === undefined ? Number.NaN : ours / other);
  const judged = (held: boolean) => (other === undefined ? undefined : held);
  return {
    what,
    ours: show(ours),
    beside: [beside, ...also]
      .map(([name, figure]) => `${name} ${figure === undefined ? '(not installed)' : show(figure)}`)
      .join(', '),
    result: other === undefined ? 'not compared' : `× ${ratio.toFixed(2)}`,
    threshold: atLeast !== undefined ? `≥ ${atLeast}` : `≤ ${atMost}`,
    held: judged(atLeast !== undefined ? ratio >= atLeast : ratio <= (atMost ?? 0)),
  };
}

/** A figure of our own against a limit. */
export function atMost(
  what: string,
  figure: number,
  limit: number,
  show: (figure: number) => string,
  beside = '',
): Row {
  const shown = show(figure);
  return { what, ours: shown, beside, result: shown, threshold: `≤ ${show(limit)}`, held: figure <= limit };
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (low === undefined || high === undefined) throw new Error('nothing was measured');
  return (low + high) / 2;
}

/**
 * Takes each contestant's figure in turn, A B A B …, so that a busy moment hits all of them, after one turn that does
 * not count; the median of each. An absent contestant has no figure.
 */
export async function alternate<Name extends string>(
  rounds: number,
  contestants: Readonly<Record<Name, (() => Promise<number>) | undefined>>,
): Promise<(name: Name) => number> {
  const figures = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++)
    for (const [name, take] of Object.entries<(() => Promise<number>) | undefined>(contestants)) {
      const figure = await take?.();
      if (figure !== undefined && round > 0) figures.set(name, [...(figures.get(name) ?? []), figure]);
    }
  return (name) => median(figures.get(name) ?? []);
}

export function markdown(rows: readonly Row[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(['Measure', 'Verbatim', 'Beside it', 'Result', 'Threshold', '']),
    line(['---', '---', '---', '---', '---', '---']),
    ...rows.map(({ what, ours, beside, result, threshold, held }) =>
      line([what, ours, beside, result, threshold, held === undefined ? '' : held ? 'held' : '**missed**']),
    ),
  ].join('\n');
}

export const milliseconds = (figure: number) => `${figure < 10 ? figure.toFixed(1) : figure.toFixed(0)} ms`;
/** Of a figure in milliseconds. */
export const microseconds = (figure: number) => `${(figure * 1000).toFixed(figure < 0.1 ? 1 : 0)} µs`;
export const mebibytes = (figure: number) => `${figure.toFixed(0)} MiB`;
export const perSecond = (figure: number) => `${Math.round(figure).toLocaleString('en')}/s`;
export const gigabytes = (figure: number) => `${figure.toFixed(2)} GB/s`;
