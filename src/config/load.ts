import { dirname, resolve } from 'node:path';
import { strangeSettings } from './combined/schema.ts';
import type { Config } from './config.ts';
import { assumeKnown, assumePyPI, assumeSigstore, assumeUnsigned } from './defaults.ts';
import { ConfigRefusal, type Fault, faultsOf, named } from './faults.ts';
import { freeze, toConfig } from './freeze.ts';
import { insecureWords } from './index-schema.ts';
import { leaves, type Meaning } from './meanings.ts';
import { unmetNeeds } from './policy/needs.ts';
import { readPolicy } from './policy/read-policy.ts';
import { readYaml, type YamlFile } from './reading/yaml-file.ts';
import { schema } from './schema.ts';
import {
  FILE_VARIABLE,
  type FlagName,
  type Flags,
  isServiceAddress,
  option,
  SETTINGS,
  type Setting,
  strangers,
  variable,
} from './settings.ts';
import { isTree, type Place, places, put, type Tree } from './tree.ts';
import { crossesNetworkInTheClear } from './values.ts';

export interface LoadOptions {
  /** The configuration file; VERBATIM_CONFIG otherwise; none otherwise. */
  readonly file?: string | undefined;
  /** Read in place of the process's own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly flags?: Flags | undefined;
  /** For commands that need the data directory and no index. */
  readonly withoutIndexes?: boolean | undefined;
}

/** The configuration: file, overruled by environment, overruled by flags. Throws ConfigRefusal with every fault in it. */
export function loadConfig({ file, env = process.env, flags = {}, withoutIndexes = false }: LoadOptions): Config {
  const faults: Fault[] = [];
  const path = file ?? env[FILE_VARIABLE];
  const given = path === undefined ? undefined : readYaml(path, faults);
  const raw = given?.tree ?? {};
  const base = path === undefined ? '.' : dirname(path);
  // Paths in a file are relative to that file, wherever the program was started.
  for (const { value, replace } of meant(raw, 'file'))
    if (typeof value === 'string' && value !== '') replace(resolve(base, value));
  // Whatever they are called, variables that the file names are meant.
  const secrets = new Set(meant(raw, 'variable').map(({ value }) => value));
  for (const name of strangers(env, secrets)) faults.push({ where: name, what: 'is not a variable Verbatim knows' });
  const sources = overrule(raw, env, flags);
  if (!withoutIndexes) assumePyPI(raw, sources);
  assumeUnsigned(raw, sources);
  assumeKnown(raw);
  assumeSigstore(raw);
  const { data, error } = schema.safeParse(raw);
  for (const issue of error?.issues ?? [])
    faults.push(...faultsOf(issue, sources).map((fault) => withLine(fault, given)));
  faults.push(...strangeSettings(raw), ...clearTextFaults(raw, sources));
  const config =
    faults.length === 0 && data !== undefined ? toConfig(data, (name) => readPolicy(name, faults)) : undefined;
  if (config !== undefined) faults.push(...unmetNeeds(config).map((fault) => withLine(fault, given)));
  if (faults.length === 0 && config !== undefined) return freeze(config);
  throw new ConfigRefusal(faults);
}

/** Policies are written and read again by many: where in the file it is helps. */
function withLine(fault: Fault, file: YamlFile | undefined): Fault {
  const { path = [], where } = fault;
  const isPolicy = path[0] === 'indexes' && (path[2] === 'policy' || path[2] === 'minimum_age');
  const line = isPolicy ? file?.lineOf(path) : undefined;
  return line === undefined ? fault : { ...fault, where: `line ${line}: ${where}` };
}

const LEAVES = [...leaves(schema)];

/** The values in a file that mean this. */
function meant(raw: Tree, what: Meaning): readonly Place[] {
  return LEAVES.filter(({ meaning }) => meaning === what).flatMap(({ path }) => places(raw, path));
}

/** Puts what the environment and the flags say over the file; returns which key came from which of them. */
function overrule(raw: Tree, env: NodeJS.ProcessEnv, flags: Flags): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  for (const setting of SETTINGS) {
    const name = variable(setting.flag);
    const said = env[name] === '' || isServiceAddress(env[name] ?? '') ? undefined : env[name];
    const given: readonly (readonly [value: Flags[FlagName], source: string])[] = [
      [setting.isList === true ? said?.split(',').map((part) => part.trim()) : said, name],
      [flags[setting.flag], option(setting.flag)],
    ];
    for (const [value, source] of given) {
      if (value === undefined) continue;
      put(raw, setting.path, converted(setting, value));
      sources.set(setting.path.join('.'), source);
    }
  }
  return sources;
}

/** How a variable switches something on or off. */
const SWITCHED: ReadonlyMap<unknown, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function converted({ path, isList, value }: Setting, given: string | number | boolean | readonly string[]): unknown {
  if (value === undefined) return SWITCHED.get(given) ?? given;
  if (isList === true) return typeof given === 'string' ? [given] : given;
  if (typeof given !== 'string') return given;
  const about = LEAVES.filter((leaf) => leaf.path.every((step, at) => step === path[at] || step === '*'));
  if (about.some(({ isNumber }) => isNumber) && /^\d{1,15}$/.test(given)) return Number(given);
  if (about.some(({ meaning }) => meaning === 'file') && given !== '') return resolve(given);
  return given;
}

/** http:// to another machine is refused, whatever else is wrong, unless the operator wrote the words. */
function clearTextFaults(raw: Tree, sources: ReadonlyMap<string, string>): readonly Fault[] {
  return meant(raw, 'fetched').flatMap(({ path, value }) => {
    const [index] = places(raw, path.slice(0, 2));
    if (!isTree(index?.value) || !crossesNetworkInTheClear(value)) return [];
    const words = insecureWords(index.value);
    return index.value['insecure_upstream'] === words ? [] : [{ where: named(path, sources), what: clearText(words) }];
  });
}

function clearText(words: string): string {
  return `is http:// to another machine, where anybody on the way can change or withhold bytes: use https://, or set insecure_upstream: ${words}`;
}
