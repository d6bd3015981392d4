import { MAX_EXTRAS, MAX_REQUIREMENT } from '../limits.ts';
import { normalizeName } from '../names.ts';
import { type Marker, readMarker } from './marker.ts';
import { parseSpecifiers, type Specifiers } from './specifier.ts';
import { type Tokens, tokensOf } from './tokens.ts';

/** What a project requires of another (PEP 508). */
export interface Requirement {
  /** Normalized. */
  readonly project: string;
  /** Normalized. */
  readonly extras: readonly string[];
  readonly specifiers: Specifiers;
  /** Where it is taken from, and from no index. */
  readonly url: string | undefined;
  readonly marker: Marker | undefined;
}

const NAME = /[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?![A-Za-z0-9._-])/y;

/** Undefined for what is none. */
export function parseRequirement(text: string): Requirement | undefined {
  if (text.length > MAX_REQUIREMENT) return undefined;
  const tokens = tokensOf(text);
  const project = normalizeName(tokens.take(NAME) ?? '');
  const extras = readExtras(tokens);
  if (project === undefined || extras === undefined) return undefined;
  const isDirect = tokens.take(/@/y) !== undefined;
  const url = isDirect ? tokens.take(/\S+(?=[ \t]|$)/y) : undefined;
  if (isDirect && url === undefined) return undefined;
  const specifiers = parseSpecifiers(url === undefined ? readSpecifiers(tokens) : '');
  if (specifiers === undefined) return undefined;
  const hasMarker = tokens.take(/;/y) !== undefined;
  const marker = hasMarker ? readMarker(tokens) : undefined;
  if (!tokens.isAtEnd || (hasMarker && marker === undefined)) return undefined;
  return { project, extras, specifiers, url, marker };
}

/** Undefined for what is none. */
export function parseMarker(text: string): Marker | undefined {
  if (text.length > MAX_REQUIREMENT) return undefined;
  const tokens = tokensOf(text);
  const marker = readMarker(tokens);
  return tokens.isAtEnd ? marker : undefined;
}

function readExtras(tokens: Tokens): readonly string[] | undefined {
  if (tokens.take(/\[/y) === undefined) return [];
  const extras = new Set<string>();
  if (tokens.take(/\]/y) !== undefined) return [];
  do {
    const extra = normalizeName(tokens.take(NAME) ?? '');
    if (extra === undefined || extras.size === MAX_EXTRAS) return undefined;
    extras.add(extra);
  } while (tokens.take(/,/y) !== undefined);
  return tokens.take(/\]/y) === undefined ? undefined : [...extras];
}

/** In brackets or without. */
function readSpecifiers(tokens: Tokens): string {
  if (tokens.take(/\(/y) === undefined) return tokens.take(/[^;]*/y) ?? '';
  const inside = tokens.take(/[^)]*/y) ?? '';
  return tokens.take(/\)/y) === undefined ? '?' : inside;
}
