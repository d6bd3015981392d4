import { z } from 'zod';
import { isEverything, parsePattern } from '../../policy/pattern.ts';
import type { Fault } from '../faults.ts';
import { isTree, type Tree } from '../tree.ts';

/** One address over several indexes. */
export interface AddressConfig {
  readonly name: string;
  /** Names of the indexes, in the order that they are asked in; two at least. */
  readonly of: readonly string[];
  /** By the name of an index: globs on normalized names that are its alone. */
  readonly owned: Readonly<Record<string, readonly string[]>>;
}

const MOST_INDEXES = 16;
const MOST_GLOBS = 1000;

const glob = z
  .string()
  .refine((text) => {
    const pattern = parsePattern(text);
    return pattern !== undefined && pattern.versions === undefined && !isEverything(pattern);
  }, 'must be a project, such as requests or acme-*: without versions, and not every name there is')
  .transform((text) => parsePattern(text)?.glob ?? text);

export const of = z
  .array(z.string())
  .min(2, 'must name two indexes at least')
  .max(MOST_INDEXES, 'must name sixteen indexes at most');
export const owned = z.record(
  z.string(),
  z.array(glob).max(MOST_GLOBS, 'must be a thousand at most: a glob stands for many'),
);

interface Given {
  readonly of?: readonly string[] | undefined;
  readonly owned?: Readonly<Record<string, readonly string[]>> | undefined;
}

type Indexes = Readonly<Record<string, Given>>;
interface PlacedFault {
  readonly path: readonly string[];
  readonly message: string;
}

/** What no address over several indexes can mean. */
export function combinedFaults(indexes: Indexes): readonly PlacedFault[] {
  return Object.entries(indexes).flatMap(([name, given]) => {
    const at = ['indexes', name];
    if (given.of === undefined)
      return given.owned === undefined
        ? []
        : [{ path: [...at, 'owned'], message: 'has no meaning without of: an index is asked for every name' }];
    return [
      ...memberFaults(name, given.of, indexes).map((message) => ({ path: [...at, 'of'], message })),
      ...ownerFaults(given.of, given.owned ?? {}).map(([owner, message]) => ({
        path: [...at, 'owned', owner],
        message,
      })),
    ];
  });
}

function memberFaults(name: string, of: readonly string[], indexes: Indexes): readonly string[] {
  return of.flatMap((member, at) => {
    if (member === name) return [`names itself: give what is at ${member} a name of its own, and name that`];
    if (of.indexOf(member) !== at) return [`names ${member} twice`];
    if (!Object.hasOwn(indexes, member)) return [`there is no index "${member}"`];
    if (indexes[member]?.of !== undefined)
      return [`${member} is over several indexes itself: name those, in the order that they are to be asked in`];
    return [];
  });
}

function ownerFaults(
  of: readonly string[],
  owned: NonNullable<Given['owned']>,
): readonly (readonly [owner: string, message: string])[] {
  const owners = new Map<string, string>();
  return Object.entries(owned).flatMap(([owner, globs]): (readonly [string, string])[] => {
    if (!of.includes(owner)) return [[owner, `owns names here, and is none of those that this address is of`]];
    return globs.flatMap((each): (readonly [string, string])[] => {
      const other = owners.get(each) ?? owner;
      owners.set(each, other);
      return other === owner ? [] : [[owner, `owns ${each}, which ${other} owns as well: a name has one owner`]];
    });
  });
}

/** Settings of an index that were written of such an address. Asked of the file as it was written: defaults were written by nobody. */
export function strangeSettings(raw: Tree): readonly Fault[] {
  const { indexes } = raw;
  if (!isTree(indexes)) return [];
  return Object.entries(indexes).flatMap(([name, given]) => {
    if (!isTree(given) || given['of'] === undefined) return [];
    return Object.keys(given)
      .filter((key) => key !== 'of' && key !== 'owned')
      .map((key) => {
        const path = ['indexes', name, key];
        return { where: path.join('.'), what: STRANGE, path };
      });
  });
}

const STRANGE =
  'has no meaning with of: an address over several indexes has nothing of its own; say it of the index that it is about';

export function toAddresses(indexes: Indexes): Readonly<Record<string, AddressConfig>> {
  const addresses: Record<string, AddressConfig> = Object.create(null);
  for (const [name, { of: members, owned: globs }] of Object.entries(indexes))
    if (members !== undefined) addresses[name] = { name, of: members, owned: { ...globs } };
  return addresses;
}
