import { MAX_SPECIFIERS } from '../limits.ts';
import { comparePublic, compareVersions, isPreRelease, parseVersion, type Version } from './version.ts';

const CLAUSE = /^[ \t]*(===|~=|==|!=|<=|>=|<|>)[ \t]*([^\s;)]+)[ \t]*$/;

type Operator = '===' | '~=' | '==' | '!=' | '<=' | '>=' | '<' | '>';

/** `===` compares characters. */
interface Spelling {
  readonly operator: '===';
  readonly text: string;
}

interface Comparison {
  readonly operator: Exclude<Operator, '==='>;
  readonly text: string;
  readonly version: Version;
  /** Of `==1.2.*`: how many numbers must be the same. */
  readonly prefix: number | undefined;
}

type Clause = Spelling | Comparison;

/** Versions that are wanted (PEP 440): each clause must hold. None: every version. */
export interface Specifiers {
  readonly text: string;
  /** True where a clause names a pre-release: then those are wanted. */
  readonly isPre: boolean;
  contains(version: string): boolean;
}

/** Undefined for what is none. */
export function parseSpecifiers(text: string): Specifiers | undefined {
  const written = text.trim().replace(/,$/, '');
  const parts = written === '' ? [] : written.split(',');
  if (parts.length > MAX_SPECIFIERS) return undefined;
  const clauses: Clause[] = [];
  for (const part of parts) {
    const clause = clauseOf(part);
    if (clause === undefined) return undefined;
    clauses.push(clause);
  }
  const isPre = clauses.some(
    (clause) => clause.operator !== '===' && clause.operator !== '!=' && isPreRelease(clause.version),
  );
  return {
    text: clauses.map((clause) => clause.operator + clause.text).join(','),
    isPre,
    contains: (candidate) => {
      const version = parseVersion(candidate);
      return clauses.every((clause) => holds(clause, candidate, version));
    },
  };
}

function clauseOf(part: string): Clause | undefined {
  const [, operator, text = ''] = CLAUSE.exec(part) ?? [];
  if (!isOperator(operator)) return undefined;
  if (operator === '===') return { operator, text };
  const isPrefix = text.endsWith('.*');
  const version = parseVersion(isPrefix ? text.slice(0, -2) : text);
  if (version === undefined) return undefined;
  const isEquality = operator === '==' || operator === '!=';
  const isPlain = version.pre === undefined && version.post === undefined && version.dev === undefined;
  if (isPrefix && !(isEquality && isPlain && version.local.length === 0)) return undefined;
  if (version.local.length > 0 && !isEquality) return undefined;
  if (operator === '~=' && version.written < 2) return undefined;
  return { operator, text, version, prefix: isPrefix ? version.written : undefined };
}

function holds(clause: Clause, written: string, version: Version | undefined): boolean {
  if (clause.operator === '===') return written.trim().toLowerCase() === clause.text.toLowerCase();
  if (version === undefined) return false;
  const { operator, version: wanted, prefix } = clause;
  switch (operator) {
    case '==':
      return isEqual(version, wanted, prefix);
    case '!=':
      return !isEqual(version, wanted, prefix);
    case '<=':
      return comparePublic(version, wanted) <= 0;
    case '>=':
      return comparePublic(version, wanted) >= 0;
    case '~=':
      return comparePublic(version, wanted) >= 0 && hasPrefix(version, wanted, wanted.written - 1);
    case '<':
      // PEP 440: `<1.0` leaves out the pre-releases of 1.0 itself.
      return comparePublic(version, isPreRelease(wanted) ? wanted : { ...wanted, dev: '0' }) < 0;
    case '>':
      // The same of the post-releases of that version.
      return comparePublic(version, wanted) > 0 && !(version.post !== undefined && isBehind(version, wanted));
  }
}

function isBehind(version: Version, wanted: Version): boolean {
  return comparePublic({ ...version, post: undefined, dev: undefined }, wanted) === 0;
}

function isEqual(version: Version, wanted: Version, prefix: number | undefined): boolean {
  if (prefix !== undefined) return hasPrefix(version, wanted, prefix);
  return (wanted.local.length === 0 ? comparePublic : compareVersions)(version, wanted) === 0;
}

function hasPrefix(version: Version, wanted: Version, length: number): boolean {
  if (version.epoch !== wanted.epoch) return false;
  for (let at = 0; at < length; at++) if ((version.release[at] ?? '0') !== (wanted.release[at] ?? '0')) return false;
  return true;
}

function isOperator(text: string | undefined): text is Operator {
  return text !== undefined;
}
