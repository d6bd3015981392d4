import { existing } from '../bytes/existing.ts';
import { type Pattern, parsePattern } from './pattern.ts';

/** A pattern that was read before: settings hold no others. */
export function patternOf(text: string): Pattern {
  return existing(parsePattern(text), 'a pattern in settings is none');
}
