import { Refusal } from '../bytes/refusal.ts';
import { LIMITS } from './limits.ts';

/** Matches a target path against one PATHPATTERN. */
export type PathPattern = (path: string) => boolean;

type Token =
  | { readonly kind: 'any-run' }
  | { readonly kind: 'any-one' }
  | { readonly kind: 'literal'; readonly character: string }
  | { readonly kind: 'set'; readonly has: (character: string) => boolean };

/**
 * TUF §4.5 `paths`: `*` and `?` within one segment, by code point, and `[...]` as Python's fnmatch has it, because the
 * reference client is written in it. Nothing else is special: no braces, no `!`, no escapes. Time is bounded by
 * pattern length × path length; the pattern's length is capped (`limit`).
 */
export function pathPattern(pattern: string): PathPattern {
  if (pattern.length > LIMITS.pathPattern)
    throw new Refusal('limit', `A delegation's path pattern is longer than ${LIMITS.pathPattern} characters.`);
  if (!/[*?[]/.test(pattern)) return (path) => path === pattern;
  const segments = pattern.split('/').map(tokenize);
  return (path) => {
    const parts = path.split('/');
    return (
      parts.length === segments.length && segments.every((tokens, index) => matches(tokens, [...(parts[index] ?? '')]))
    );
  };
}

function tokenize(segment: string): readonly Token[] {
  const characters = [...segment];
  const tokens: Token[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '*') {
      if (tokens.at(-1)?.kind !== 'any-run') tokens.push({ kind: 'any-run' });
    } else if (character === '?') {
      tokens.push({ kind: 'any-one' });
    } else if (character === '[') {
      const end = endOfSet(characters, i);
      if (end === undefined) {
        tokens.push({ kind: 'literal', character });
      } else {
        tokens.push({ kind: 'set', has: characterSet(characters.slice(i + 1, end)) });
        i = end;
      }
    } else {
      tokens.push({ kind: 'literal', character });
    }
  }
  return tokens;
}

/** `]` first in a set, or first behind `!`, is a member; a set that does not end is a literal bracket. */
function endOfSet(characters: readonly string[], open: number): number | undefined {
  let from = open + 1;
  if (characters[from] === '!') from++;
  if (characters[from] === ']') from++;
  const end = characters.indexOf(']', from);
  return end < 0 ? undefined : end;
}

function characterSet(body: readonly string[]): (character: string) => boolean {
  const negated = body[0] === '!';
  const members = negated ? body.slice(1) : body;
  const singles = new Set<string>();
  const ranges: (readonly [number, number])[] = [];
  for (let i = 0; i < members.length; i++) {
    const low = members[i] ?? '';
    const high = members[i + 2];
    if (members[i + 1] === '-' && high !== undefined) {
      ranges.push([low.codePointAt(0) ?? 0, high.codePointAt(0) ?? 0]);
      i += 2;
    } else {
      singles.add(low);
    }
  }
  return (character) => {
    const code = character.codePointAt(0) ?? 0;
    return negated !== (singles.has(character) || ranges.some(([low, high]) => low <= code && code <= high));
  };
}

/** Two pointers and one place to fall back to: never exponential. */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let token = 0;
  let character = 0;
  let runToken = -1;
  let runCharacter = 0;
  while (character < characters.length) {
    const wanted = tokens[token];
    if (wanted?.kind === 'any-run') {
      runToken = token++;
      runCharacter = character;
    } else if (wanted !== undefined && matchesOne(wanted, characters[character] ?? '')) {
      token++;
      character++;
    } else if (runToken >= 0) {
      token = runToken + 1;
      character = ++runCharacter;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === 'any-run') token++;
  return token === tokens.length;
}

function matchesOne(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'literal':
      return token.character === character;
    case 'set':
      return token.has(character);
    case 'any-one':
      return true;
    case 'any-run':
      return false;
  }
}
