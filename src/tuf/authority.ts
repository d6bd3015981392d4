import { Refusal } from '../bytes/refusal.ts';
import { array, at, count, fieldOf, object, text } from './json/fields.ts';
import type { JsonObject, JsonValue } from './json/json-value.ts';
import { createKey, type Key } from './keys.ts';
import { LIMITS } from './limits.ts';
import type { Authority } from './model.ts';
import { type Sliced, STEPS_BETWEEN_PAUSES } from './sliced.ts';

/** How signing tools mark a key that a machine holds (`x-tuf-on-ci-online-uri`, `x-rstuf-online-key-uri`). */
const ONLINE_URI = /^x-.*online.*uri$/;

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
  return { role, threshold, keys: known };
}

/** True where whatever was enough for `counted` is enough for `asked`: no fewer signatures, of keys it lists by the same ids. */
export function covers(counted: Authority, asked: Authority): boolean {
  if (counted === asked) return true;
  if (counted.threshold < asked.threshold) return false;
  for (const [keyid, key] of counted.keys) {
    const other = asked.keys.get(keyid);
    if (other === undefined || other.material !== key.material || other.scheme !== key.scheme) return false;
  }
  return true;
}
