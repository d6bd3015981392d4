import { normalizeName } from '../names.ts';
import { parseSpecifiers } from './specifier.ts';
import type { Tokens } from './tokens.ts';

/** PEP 508's variables of an environment, by name. */
export const VARIABLES = [
  'python_version',
  'python_full_version',
  'os_name',
  'sys_platform',
  'platform_release',
  'platform_system',
  'platform_version',
  'platform_machine',
  'platform_python_implementation',
  'implementation_name',
  'implementation_version',
] as const;
export type Variable = (typeof VARIABLES)[number];

/** What markers are judged in. */
export interface MarkerContext {
  readonly values: Readonly<Record<Variable, string>>;
  /** Extras that are asked for, normalized. */
  readonly extras: ReadonlySet<string>;
  /** Dependency groups that are asked for, normalized (PEP 735, as PEP 751 writes them). */
  readonly groups?: ReadonlySet<string> | undefined;
}

type Operand = { readonly variable: Variable | SetName | 'extra' } | { readonly text: string };
type SetName = 'extras' | 'dependency_groups';

/** A condition on an environment (PEP 508). */
export type Marker =
  | { readonly all: readonly Marker[] }
  | { readonly any: readonly Marker[] }
  | { readonly left: Operand; readonly operator: string; readonly right: Operand };

/** Of these alone the text is read as a version. */
const OF_VERSIONS: ReadonlySet<string> = new Set([
  'implementation_version',
  'platform_release',
  'python_full_version',
  'python_version',
]);

/** What PEP 345 called them. */
const FORMER: Readonly<Record<string, Variable>> = {
  'os.name': 'os_name',
  'sys.platform': 'sys_platform',
  'platform.version': 'platform_version',
  'platform.machine': 'platform_machine',
  'platform.python_implementation': 'platform_python_implementation',
  python_implementation: 'platform_python_implementation',
};
const NAMES: ReadonlySet<string> = new Set([...VARIABLES, 'extra', 'extras', 'dependency_groups']);

const MAX_NESTING = 50;

/** Reads a marker up to its end. Undefined for what is none. */
export function readMarker(tokens: Tokens, depth = 0): Marker | undefined {
  const alternatives: Marker[] = [];
  do {
    const parts: Marker[] = [];
    do {
      const part = readPart(tokens, depth);
      if (part === undefined) return undefined;
      parts.push(part);
    } while (tokens.take(/and\b/y) !== undefined);
    alternatives.push(only(parts) ?? { all: parts });
  } while (tokens.take(/or\b/y) !== undefined);
  return only(alternatives) ?? { any: alternatives };
}

function only(markers: readonly Marker[]): Marker | undefined {
  return markers.length === 1 ? markers[0] : undefined;
}

function readPart(tokens: Tokens, depth: number): Marker | undefined {
  if (tokens.take(/\(/y) !== undefined) {
    const inner = depth < MAX_NESTING ? readMarker(tokens, depth + 1) : undefined;
    return tokens.take(/\)/y) === undefined ? undefined : inner;
  }
  const left = readOperand(tokens);
  const operator = tokens.take(/===|==|~=|!=|<=|>=|<|>|in\b|not[ \t]+in\b/y);
  const right = readOperand(tokens);
  if (left === undefined || operator === undefined || right === undefined) return undefined;
  // One of them says what is asked about.
  if ('variable' in left === 'variable' in right) return undefined;
  return { left, operator: operator.replace(/[ \t]+/, ' '), right };
}

function readOperand(tokens: Tokens): Operand | undefined {
  const quoted = tokens.take(/'[^']*'|"[^"]*"/y);
  if (quoted !== undefined) return { text: quoted.slice(1, -1) };
  const word = tokens.take(/[a-z][a-z._]*\b/y);
  const name = word === undefined ? undefined : (FORMER[word] ?? word);
  return name !== undefined && isVariable(name) ? { variable: name } : undefined;
}

function isVariable(name: string): name is Variable | SetName | 'extra' {
  return NAMES.has(name);
}

/** What the norm leaves undefined does not hold. */
export function markerHolds(marker: Marker, context: MarkerContext): boolean {
  if ('all' in marker) return marker.all.every((each) => markerHolds(each, context));
  if ('any' in marker) return marker.any.some((each) => markerHolds(each, context));
  const { left, operator, right } = marker;
  if ('variable' in left && 'text' in right) return compare(left.variable, operator, right.text, context, false);
  if ('text' in left && 'variable' in right) return compare(right.variable, operator, left.text, context, true);
  return false;
}

function compare(
  variable: Variable | SetName | 'extra',
  operator: string,
  text: string,
  { values, extras, groups }: MarkerContext,
  isTurned: boolean,
): boolean {
  if (variable === 'extra') return isAsked(extras, operator, text);
  if (variable === 'extras' || variable === 'dependency_groups') {
    const asked = variable === 'extras' ? extras : (groups ?? new Set());
    const isIn = asked.has(normalizeName(text) ?? text);
    return isTurned && (operator === 'in' ? isIn : operator === 'not in' && !isIn);
  }
  const [one, other] = isTurned ? [text, values[variable]] : [values[variable], text];
  const specifiers = OF_VERSIONS.has(variable) ? parseSpecifiers(operator + other) : undefined;
  if (specifiers !== undefined) return specifiers.contains(one);
  switch (operator) {
    case 'in':
      return other.includes(one);
    case 'not in':
      return !other.includes(one);
    case '==':
    case '<=':
    case '>=':
      return one === other;
    case '!=':
      return one !== other;
    default:
      return false;
  }
}

/** Where none is asked for, `extra` is the empty word. */
function isAsked(extras: ReadonlySet<string>, operator: string, text: string): boolean {
  const has = extras.has(normalizeName(text) ?? text) || (extras.size === 0 && text === '');
  return operator === '==' ? has : operator === '!=' && !has;
}
