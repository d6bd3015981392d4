import { say } from './output.ts';

/** Servers beside the one that acted, which could not be told of it. */
export function sayUntold(untold: readonly string[] = []): void {
  for (const why of untold)
    say(`Another server on this data directory could not be told, and follows at the page's next refresh: ${why}`);
}
