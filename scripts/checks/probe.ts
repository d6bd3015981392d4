import { appendFileSync, readFileSync } from 'node:fs';

// Stands in the copied sources at every check: tells which tests make it refuse, or lets one check refuse no more.
// What to do lies in a file, so that child processes and threads do the same.

const AT = new URL('../../', import.meta.url);

interface Control {
  /** The number of the check that is removed. */
  readonly removed?: number;
  /** The file into which goes who was seen to refuse. */
  readonly seen?: string;
}

const { removed, seen } = JSON.parse(readFileSync(new URL('checks.json', AT), 'utf8')) as Control;
const inProcess = globalThis as { checksTest?: string; checksRemoved?: number | undefined };
const told = new Set<string>();

function saw(id: number): void {
  if (seen === undefined) return;
  const { checksTest } = inProcess;
  const test = checksTest ?? readFileSync(new URL('checks-test', AT), 'utf8');
  const line = `${id}\t${checksTest === undefined ? 'elsewhere' : 'here'}\t${test}\n`;
  if (told.has(line)) return;
  told.add(line);
  appendFileSync(seen, line);
}

function isRemoved(id: number): boolean {
  return id === removed || id === inProcess.checksRemoved;
}

/** A condition that refuses where it is `when`. */
export function condition<T>(id: number, when: boolean, value: T): T | boolean {
  if (Boolean(value) !== when) return value;
  saw(id);
  return isRemoved(id) ? !when : value;
}

export function isKept(id: number): boolean {
  return !isRemoved(id);
}

/** What a checking call threw. */
export function refusing(id: number): void {
  saw(id);
}

/** A function that hands on its last argument, or throws. */
export function proof<A extends readonly unknown[]>(id: number, ask: (...args: A) => unknown) {
  return (...args: A): unknown => {
    if (isRemoved(id)) return args.at(-1);
    try {
      return ask(...args);
    } catch (error) {
      saw(id);
      throw error;
    }
  };
}

interface Ask {
  check(payload: { readonly issues: readonly unknown[] }): unknown;
}

interface Schema {
  readonly _zod: { readonly def: { readonly checks?: readonly { readonly _zod: Ask }[] } };
}

/** A schema with one limit more: the last of its checks. */
export function limit<S extends Schema>(id: number, schema: S, limited: (schema: S) => S): S {
  if (id === removed) return schema;
  const result = limited(schema);
  const own = result._zod.def.checks?.at(-1)?._zod;
  if (own === undefined) throw new Error(`what check ${id} is put on is no schema`);
  const ask = own.check;
  own.check = (payload) => {
    if (id === inProcess.checksRemoved) return undefined;
    const before = payload.issues.length;
    const asked = ask(payload);
    if (payload.issues.length > before) saw(id);
    return asked;
  };
  return result;
}
