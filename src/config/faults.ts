import type { $ZodIssue } from 'zod/v4/core';
import { Refusal } from '../bytes/refusal.ts';

/** Enough to mend a file by; a hostile one does not fill the terminal. */
const MOST_FAULTS = 50;

/** One thing wrong, and where: a key path, a variable or a flag. */
export interface Fault {
  readonly where: string;
  readonly what: string;
  /** Of the value in its file; undefined where it is not about one. */
  readonly path?: readonly string[] | undefined;
}

/** A configuration that cannot be used; its message lists every fault at once. */
export class ConfigRefusal extends Refusal {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.slice(0, MOST_FAULTS).map(({ where, what }) => `  ${where}: ${what}`);
    super('format', ['The configuration cannot be used; nothing was started.', ...lines].join('\n'));
    this.faults = faults;
  }
}

/** What a schema issue means to the person who wrote the file. */
export function faultsOf(issue: $ZodIssue, sources: ReadonlyMap<string, string>): readonly Fault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      where: [...path, key].join('.'),
      what: 'is not a setting Verbatim knows',
      path: [...path, key],
    }));
  if (issue.code === 'invalid_key')
    return [{ where: path.join('.'), what: issue.issues[0]?.message ?? issue.message, path }];
  if (issue.code === 'invalid_union') {
    // Where the value is of one branch's kind, that branch knows best what is wrong inside it.
    const inner = issue.errors.find((branch) =>
      branch.some((each) => each.path.length > 0 || each.code === 'unrecognized_keys'),
    );
    if (inner !== undefined)
      return inner.flatMap((each) => faultsOf({ ...each, path: [...issue.path, ...each.path] } as $ZodIssue, sources));
  }
  return [
    { where: named(path, sources), what: issue.code === 'invalid_type' ? kindFault(issue) : issue.message, path },
  ];
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
};

/** A value of the wrong kind, in words for whoever wrote it. A message of the schema's own says it better. */
function kindFault({ expected, input, message }: Extract<$ZodIssue, { code: 'invalid_type' }>): string {
  if (!message.startsWith('Invalid input')) return message;
  return input === undefined && message.endsWith('received undefined')
    ? 'is missing'
    : `must be ${KINDS[expected] ?? 'keys and values'}`;
}

/** A key path, with the variable or flag it came from. */
export function named(path: readonly string[], sources: ReadonlyMap<string, string>): string {
  const key = path.join('.') || 'the file';
  const source = sources.get(key);
  return source === undefined ? key : `${key} (${source})`;
}
