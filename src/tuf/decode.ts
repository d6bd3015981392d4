import { type Digests, knownDigests, refuseUnknownDigests } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type Authority, decodeAuthority, decodeKeys } from './authority.ts';
import { decodeDelegations } from './delegations.ts';
import { at, count, date, fieldOf, flag, object, text } from './json/fields.ts';
import type { JsonObject, JsonValue } from './json/json-value.ts';
import { LIMITS } from './limits.ts';
import {
  type MetaFile,
  type Root,
  type Signed,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
  TOP_LEVEL_ROLES,
  type TopLevelRole,
} from './model.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';

/** The `signed` member of a document → its model, or `format` / `limit` naming the field. Unknown fields are left alone. */
export type Decode<S extends Signed> = (signed: JsonObject) => Sliced<S>;

/** TUF §4.2.1 */
function common(signed: JsonObject, type: string): { readonly version: number; readonly expires: number } {
  if (text(fieldOf(signed, '_type'), 'signed._type') !== type)
    throw new Refusal('format', `signed._type is not "${type}".`);
  if (!/^1\.\d+(\.\d+)?$/.test(text(fieldOf(signed, 'spec_version'), 'signed.spec_version')))
    throw new Refusal('format', 'signed.spec_version is not 1.x.');
  return {
    version: count(fieldOf(signed, 'version'), 'signed.version', 1),
    expires: date(fieldOf(signed, 'expires'), 'signed.expires'),
  };
}

/** TUF §4.3 */
export function* decodeRoot(signed: JsonObject): Sliced<Root> {
  const base = common(signed, 'root');
  const consistent = fieldOf(signed, 'consistent_snapshot');
  const keys = yield* decodeKeys(fieldOf(signed, 'keys'), 'signed.keys', LIMITS.rootKeys);
  const listed = object(fieldOf(signed, 'roles'), 'signed.roles');
  const roles = new Map<TopLevelRole, Authority>();
  for (const role of TOP_LEVEL_ROLES) {
    const path = at('signed.roles', role);
    const spec = object(fieldOf(listed, role), path);
    // A threshold above its keys is believed: nothing of the role can be proved until another root.
    roles.set(role, decodeAuthority(role, spec, keys, path));
  }
  return {
    type: 'root',
    ...base,
    consistentSnapshot: consistent === undefined ? false : flag(consistent, 'signed.consistent_snapshot'),
    roles,
  };
}

/** TUF §4.6; other entries of `meta` are no business of a timestamp and are left alone. */
export function* decodeTimestamp(signed: JsonObject): Sliced<Timestamp> {
  const meta = object(fieldOf(signed, 'meta'), 'signed.meta');
  yield;
  return {
    type: 'timestamp',
    ...common(signed, 'timestamp'),
    snapshot: decodeMetaFile(fieldOf(meta, 'snapshot.json'), 'signed.meta.snapshot.json'),
  };
}

/** TUF §4.4 */
export function* decodeSnapshot(signed: JsonObject): Sliced<Snapshot> {
  const base = common(signed, 'snapshot');
  const meta = new Map<string, MetaFile>();
  for (const [name, file] of object(fieldOf(signed, 'meta'), 'signed.meta')) {
    meta.set(name, decodeMetaFile(file, at('signed.meta', name)));
    if (meta.size % STEPS_BETWEEN_PAUSES === 0) yield;
  }
  return { type: 'snapshot', ...base, meta };
}

/** TUF §4.5 */
export function* decodeTargets(signed: JsonObject): Sliced<Targets> {
  const base = common(signed, 'targets');
  const targets = new Map<string, TargetFile>();
  for (const [path, file] of object(fieldOf(signed, 'targets'), 'signed.targets')) {
    targets.set(path, decodeTargetFile(file, at('signed.targets', path)));
    if (targets.size % STEPS_BETWEEN_PAUSES === 0) yield;
  }
  const delegations = fieldOf(signed, 'delegations');
  return {
    type: 'targets',
    ...base,
    targets,
    delegations:
      delegations === undefined ? undefined : yield* decodeDelegations(object(delegations, 'signed.delegations')),
  };
}

function decodeMetaFile(value: JsonValue | undefined, path: string): MetaFile {
  const file = object(value, path);
  const length = fieldOf(file, 'length');
  const hashes = fieldOf(file, 'hashes');
  return new ListedFile(
    count(fieldOf(file, 'version'), `${path}.version`, 1),
    length === undefined ? undefined : count(length, `${path}.length`, 1),
    hashes === undefined ? undefined : checkHashes(hashes, `${path}.hashes`),
  );
}

/** A snapshot lists tens of thousands: their hashes are checked at once, and made a Map of when one is asked for. */
class ListedFile implements MetaFile {
  readonly version: number;
  readonly length: number | undefined;
  readonly #hashes: JsonObject | undefined;

  constructor(version: number, length: number | undefined, hashes: JsonObject | undefined) {
    this.version = version;
    this.length = length;
    this.#hashes = hashes;
  }

  get digests(): Digests | undefined {
    return this.#hashes && knownDigests(this.#hashes);
  }
}

function decodeTargetFile(value: JsonValue, path: string): TargetFile {
  const file = object(value, path);
  const hashes = object(fieldOf(file, 'hashes'), `${path}.hashes`);
  const length = count(fieldOf(file, 'length'), `${path}.length`, 0);
  try {
    return { length, digests: decodeHashes(hashes, `${path}.hashes`) };
  } catch (error) {
    // A target nobody here can prove is refused when asked for; its neighbours are not its fault.
    if (error instanceof Refusal && error.reason === 'algorithm') return { length, digests: new Map() };
    throw error;
  }
}

function decodeHashes(value: JsonValue, path: string): Digests {
  return knownDigests(checkHashes(value, path));
}

function checkHashes(value: JsonValue, path: string): JsonObject {
  const hashes = object(value, path);
  if (hashes.size === 0) throw new Refusal('format', `${path} is empty.`);
  hashes.forEach((hex, name) => {
    if (typeof hex !== 'string') text(hex, at(path, name));
  });
  refuseUnknownDigests(hashes);
  return hashes;
}
