import { mustBe } from '../bytes/proof.ts';
import { Refusal } from '../bytes/refusal.ts';
import { array, at, count, fieldOf, object, text } from './json/fields.ts';
import type { JsonObject, JsonValue } from './json/json-value.ts';
import { createKey, type Key } from './keys.ts';
import { LIMITS } from './limits.ts';
import type { Delegation } from './model.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';

/** How signing tools mark a key that a machine holds (`x-tuf-on-ci-online-uri`, `x-rstuf-online-key-uri`). */
const ONLINE_URI = /^x-.*online.*uri$/;

let make: (role: string, threshold: number, keys: ReadonlyMap<string, Key>) => Authority;

/** The keys that may sign a role, and how many distinct ones must (TUF §4.3): as a document names them. */
export class Authority {
  readonly #role: string;
  readonly #threshold: number;
  readonly #keys: ReadonlyMap<string, Key>;

  private constructor(role: string, threshold: number, keys: ReadonlyMap<string, Key>) {
    this.#role = role;
    this.#threshold = threshold;
    this.#keys = keys;
  }

  static {
    make = (role, threshold, keys) => new Authority(role, threshold, keys);
  }

  static is(value: unknown): value is Authority {
    return typeof value === 'object' && value !== null && #keys in value;
  }

  get role(): string {
    return this.#role;
  }

  get threshold(): number {
    return this.#threshold;
  }

  /** By keyid, in listed order; a keyid without a key is left out. */
  get keys(): ReadonlyMap<string, Key> {
    return this.#keys;
  }

  /** True where whatever was enough for this one is enough for `asked`: the same role, no fewer signatures, of keys it lists by the same ids. */
  covers(asked: Authority): boolean {
    if (this === asked) return true;
    if (this.#role !== asked.#role || this.#threshold < asked.#threshold) return false;
    for (const [keyid, key] of this.#keys) {
      const other = asked.#keys.get(keyid);
      if (other === undefined || other.material !== key.material || other.scheme !== key.scheme) return false;
    }
    return true;
  }
}

/** TAP 15: one bin of a succinct delegation, signed by the keys of all. Who may import this: test/architecture/makers.ts. */
export function authorityOfBin({ threshold, keys }: Authority, role: string): Authority {
  return make(role, threshold, keys);
}

/** A delegation names the role that its keys sign for, and no other. Throws TypeError. */
export function authorityOfDelegation({ name, authority }: Pick<Delegation, 'name' | 'authority'>): Authority {
  if (mustBe(Authority, authority).role !== name)
    throw new TypeError(`The keys of ${authority.role} are not those of ${name}.`);
  return authority;
}

/** TUF §4.2: keys by keyid. Each is decoded when first needed. */
export function* decodeKeys(
  value: JsonValue | undefined,
  path: string,
  limit: number,
): Sliced<ReadonlyMap<string, Key>> {
  const listed = object(value, path);
  if (listed.size > limit) throw new Refusal('limit', `${path} lists more than ${limit} keys.`);
  const keys = new Map<string, Key>();
  for (const [keyid, item] of listed) {
    const keyPath = at(path, keyid);
    const key = object(item, keyPath);
    const keyval = object(fieldOf(key, 'keyval'), `${keyPath}.keyval`);
    const publicKey = fieldOf(keyval, 'public');
    keys.set(
      keyid,
      createKey({
        keyid,
        keytype: text(fieldOf(key, 'keytype'), `${keyPath}.keytype`),
        scheme: text(fieldOf(key, 'scheme'), `${keyPath}.scheme`),
        publicKey: typeof publicKey === 'string' && publicKey.length <= LIMITS.publicKey ? publicKey : undefined,
        saysOnline: key.names().some((name) => ONLINE_URI.test(name)),
      }),
    );
    if (keys.size % STEPS_BETWEEN_PAUSES === 0) yield;
  }
  return keys;
}

/** TUF §4.3, §4.5: keyids (unique) and a threshold of at least one. A keyid without a key counts for nothing. */
export function decodeAuthority(
  role: string,
  spec: JsonObject,
  keys: ReadonlyMap<string, Key>,
  path: string,
): Authority {
  const keyids = array(fieldOf(spec, 'keyids'), `${path}.keyids`);
  if (keyids.length > LIMITS.roleKeys) throw new Refusal('limit', `${path} names more than ${LIMITS.roleKeys} keys.`);
  const threshold = count(fieldOf(spec, 'threshold'), `${path}.threshold`, 1);
  const seen = new Set<string>();
  const known = new Map<string, Key>();
  for (const [index, item] of keyids.entries()) {
    const keyid = text(item, at(`${path}.keyids`, index));
    if (seen.has(keyid)) throw new Refusal('format', `${path}.keyids names ${keyid.slice(0, 80)} twice.`);
    seen.add(keyid);
    const key = keys.get(keyid);
    if (key !== undefined) known.set(keyid, key);
  }
  return make(role, threshold, known);
}
