const UNITS = { m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** Seconds of `90m`, `36h`, `7d`, `2w`, or of `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? [];
  const seconds = Object.entries(UNITS).find(([name]) => name === unit)?.[1];
  return count === undefined || seconds === undefined ? undefined : Number(count) * seconds;
}

/** `7 days`, `36 hours`, `90 minutes`. */
export function durationText(seconds: number): string {
  for (const [size, name] of [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const)
    if (seconds >= size && seconds % size === 0) return `${seconds / size} ${name}${seconds === size ? '' : 's'}`;
  return `${seconds} seconds`;
}
