import { InvalidArgumentError } from 'commander';
import { parseInstant } from '../bytes/instant.ts';

// Values of more than one command's options.

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function instant(value: string): number {
  const time = /^\d{1,12}$/.test(value) ? Number(value) : parseInstant(value);
  if (time === undefined) throw new InvalidArgumentError('Not a time such as 2026-01-31T12:00:00Z.');
  return time;
}

/** A time, or a day, which stands for its first second in UTC. */
export function dayOrInstant(value: string): number {
  return instant(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00Z` : value);
}
