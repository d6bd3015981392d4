import { Refusal } from '../bytes/refusal.ts';

/** What happened, in lines for a person: a sentence, and the cause below it where there is one. */
export function errorLines(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [String(error)];
  const reason = error instanceof Refusal ? ` [${error.reason}]` : '';
  const cause =
    error.cause instanceof Error && error.cause.message !== error.message ? [`  because: ${error.cause.message}`] : [];
  return [`${error.message}${reason}`, ...cause];
}

/** `2 days 3 hours`, or `expired 5 minutes ago`. */
export function untilText(instant: number, now: number): string {
  const left = instant - now;
  const text = duration(Math.abs(left));
  return left > 0 ? `in ${text}` : `${text} ago`;
}

function duration(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  for (const [size, name] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}
