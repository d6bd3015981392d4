/** Whole seconds since the epoch. */
export type Instant = number;

export const SECONDS_OF_DAY = 86_400;

const WRITTEN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** Whole seconds since the epoch, of exactly `YYYY-MM-DDTHH:MM:SSZ`; undefined where the calendar has no such moment. */
export function parseInstant(text: string): Instant | undefined {
  if (!WRITTEN.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  // Date.parse rolls 30 February over to March, and reads 24:00:00 as the next day.
  if (Number.isNaN(milliseconds) || instantText(milliseconds / 1000) !== text) return undefined;
  return milliseconds / 1000;
}

/** `YYYY-MM-DDTHH:MM:SSZ`: to the second, in UTC. */
export function instantText(instant: Instant): string {
  return `${new Date(instant * 1000).toISOString().slice(0, 19)}Z`;
}

/** `YYYY-MM-DD`, in UTC. */
export function dateText(instant: Instant): string {
  return instantText(instant).slice(0, 10);
}

/** Whole days of so many seconds, in words. */
export function daysText(seconds: number): string {
  const days = Math.floor(seconds / SECONDS_OF_DAY);
  if (days === 0) return 'less than a day';
  return days === 1 ? '1 day' : `${days} days`;
}

/** `in 2 days`, or `5 minutes ago`. */
export function untilText(instant: Instant, now: Instant): string {
  const left = instant - now;
  const text = duration(Math.abs(left));
  return left > 0 ? `in ${text}` : `${text} ago`;
}

function duration(seconds: number): string {
  const units: readonly (readonly [number, string])[] = [
    [SECONDS_OF_DAY, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  for (const [size, name] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return 'less than a minute';
}
