import { createHash } from 'node:crypto';
import { Refusal } from '../bytes/refusal.ts';
import { authorityOfBin, decodeAuthority, decodeKeys } from './authority.ts';
import { array, at, count, fieldOf, flag, object, text } from './json/fields.ts';
import type { JsonObject } from './json/json-value.ts';
import type { Key } from './keys.ts';
import { LIMITS } from './limits.ts';
import { type Delegation, type Delegations, TOP_LEVEL_ROLES } from './model.ts';
import { type PathPattern, pathPattern } from './pattern.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';

interface Listed extends Delegation {
  readonly order: number;
  readonly patterns: readonly PathPattern[];
}

const TOP_LEVEL: ReadonlySet<string> = new Set(TOP_LEVEL_ROLES);

/** TUF §4.5 `delegations`: exactly one of `roles` and `succinct_roles` (TAP 15). */
export function* decodeDelegations(value: JsonObject): Sliced<Delegations> {
  const path = 'signed.delegations';
  const keys = yield* decodeKeys(fieldOf(value, 'keys'), `${path}.keys`, LIMITS.jsonValues);
  const roles = fieldOf(value, 'roles');
  const succinct = fieldOf(value, 'succinct_roles');
  if ((roles === undefined) === (succinct === undefined))
    throw new Refusal('format', `${path} needs exactly one of roles and succinct_roles.`);
  if (succinct !== undefined) return succinctDelegations(object(succinct, `${path}.succinct_roles`), keys);

  const byName = new Map<string, Listed>();
  const byPaths: Listed[] = [];
  const byPrefix = new Map<string, Listed[]>();
  for (const [order, item] of array(roles, `${path}.roles`).entries()) {
    const rolePath = at(`${path}.roles`, order);
    const role = object(item, rolePath);
    const name = roleName(fieldOf(role, 'name'), `${rolePath}.name`);
    if (byName.has(name)) throw new Refusal('format', `${rolePath}.name stands twice.`);
    const paths = fieldOf(role, 'paths');
    const prefixes = fieldOf(role, 'path_hash_prefixes');
    if ((paths === undefined) === (prefixes === undefined))
      throw new Refusal('format', `${rolePath} needs exactly one of paths and path_hash_prefixes.`);
    const listed: Listed = {
      name,
      order,
      authority: decodeAuthority(name, role, keys, rolePath),
      terminating: flag(fieldOf(role, 'terminating'), `${rolePath}.terminating`),
      patterns:
        paths === undefined
          ? []
          : array(paths, `${rolePath}.paths`).map((pattern, i) =>
              pathPattern(text(pattern, at(`${rolePath}.paths`, i))),
            ),
    };
    byName.set(name, listed);
    if (prefixes === undefined) byPaths.push(listed);
    else
      for (const [i, prefix] of array(prefixes, `${rolePath}.path_hash_prefixes`).entries())
        index(byPrefix, text(prefix, at(`${rolePath}.path_hash_prefixes`, i)), listed);
    if (order % STEPS_BETWEEN_PAUSES === 0) yield;
  }
  const prefixLengths = [...new Set([...byPrefix.keys()].map((prefix) => prefix.length))];
  return {
    count: byName.size,
    names: [...byName.keys()],
    named: (role) => byName.get(role),
    childrenFor(target) {
      const found = byPaths.filter(({ patterns }) => patterns.some((matches) => matches(target)));
      if (prefixLengths.length === 0) return found;
      const hash = pathHash(target);
      for (const length of prefixLengths) found.push(...(byPrefix.get(hash.slice(0, length)) ?? []));
      return [...new Set(found)].sort((a, b) => a.order - b.order);
    },
  };
}

function index(byPrefix: Map<string, Listed[]>, prefix: string, role: Listed): void {
  const roles = byPrefix.get(prefix);
  if (roles === undefined) byPrefix.set(prefix, [role]);
  else roles.push(role);
}

/** TUF §4.5: prefixes are of the SHA-256 of the target path, in hex. */
function pathHash(target: string): string {
  return createHash('sha256').update(target).digest('hex');
}

/** TAP 15: 2^bit_length bins, one for each value of the first bits of the path's hash. */
function succinctDelegations(spec: JsonObject, keys: ReadonlyMap<string, Key>): Delegations {
  const path = 'signed.delegations.succinct_roles';
  const bits = count(fieldOf(spec, 'bit_length'), `${path}.bit_length`, 1);
  if (bits > 32) throw new Refusal('format', `${path}.bit_length is more than 32.`);
  const prefix = roleName(fieldOf(spec, 'name_prefix'), `${path}.name_prefix`);
  const authority = decodeAuthority(`${prefix}-*`, spec, keys, path);
  const bins = 2 ** bits;
  const digits = (bins - 1).toString(16).length;
  const bin = (number: number): Delegation => {
    const name = `${prefix}-${number.toString(16).padStart(digits, '0')}`;
    return { name, authority: authorityOfBin(authority, name), terminating: true };
  };
  return {
    count: bins,
    names: [],
    named(role) {
      const hex = role.startsWith(`${prefix}-`) ? role.slice(prefix.length + 1) : '';
      if (hex.length !== digits || !/^[0-9a-f]+$/.test(hex)) return undefined;
      const number = Number.parseInt(hex, 16);
      return number < bins ? bin(number) : undefined;
    },
    childrenFor: (target) => [bin(Math.floor(Number.parseInt(pathHash(target).slice(0, 8), 16) / 2 ** (32 - bits)))],
  };
}

/** Names of top-level roles, and `N.root`, would share a file with somebody else's metadata. */
function roleName(value: unknown, path: string): string {
  const name = text(value, path);
  if (name === '') throw new Refusal('format', `${path} is empty.`);
  if (name.length > LIMITS.roleName)
    throw new Refusal('limit', `${path} is longer than ${LIMITS.roleName} characters.`);
  if (TOP_LEVEL.has(name) || /^[0-9]+\.root$/.test(name))
    throw new Refusal('format', `${path} is the name of a top-level role.`);
  return name;
}
