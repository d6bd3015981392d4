import { Refusal } from '../bytes/refusal.ts';
import { array, object, text } from '../tuf/json/fields.ts';
import { type JsonArray, JsonObject, type JsonValue } from '../tuf/json/json-value.ts';

// Readers for one field each of a provenance object. Every refusal names the path of the field.

export { array, object, text };

export function malformed(path: string, wanted: string, cause?: unknown): Refusal {
  return new Refusal('format', `The provenance cannot be read: ${path} is not ${wanted}.`, { subject: 'file', cause });
}

/** Base64 as its encoder writes it: two spellings of the same bytes would be one too many. */
export function base64(value: JsonValue | undefined, path: string): Buffer<ArrayBuffer> {
  const written = text(value, path);
  const bytes = Buffer.from(written, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== written) throw malformed(path, 'canonical base64');
  return bytes;
}

/** A whole number as protobuf's JSON writes 64 bits: digits in a text; some write a number. */
export function whole(value: JsonValue | undefined, path: string): bigint {
  if (typeof value === 'string' && /^(?:0|[1-9][0-9]{0,18})$/.test(value)) return BigInt(value);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw malformed(path, 'a whole number');
}

export function few(value: JsonValue | undefined, path: string, most: number, least = 1): JsonArray {
  const list = array(value, path);
  if (list.length < least || list.length > most) throw malformed(path, `a list of ${least} to ${most}`);
  return list;
}

export function member(of: JsonObject, name: string, path: string): JsonObject {
  return object(of.get(name), `${path}.${name}`);
}

/** The same for a library that reads plain objects. */
export function plain(value: JsonValue): unknown {
  if (value instanceof JsonObject) return Object.fromEntries([...value].map(([name, each]) => [name, plain(each)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
