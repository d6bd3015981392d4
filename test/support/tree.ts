import { jsonText } from '../../src/repository/json-writer.ts';
import { readJson } from '../../src/tuf/json/json.ts';
import { JsonObject, type JsonValue } from '../../src/tuf/json/json-value.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';

/** The tree that the strict reader makes of a plain value. */
export function treeOf(value: unknown): JsonValue {
  return read(jsonText(value));
}

export function read(text: string | Uint8Array): JsonValue {
  return runToEnd(readJson(typeof text === 'string' ? Buffer.from(text, 'utf8') : text));
}

export function objectOf(value: unknown): JsonObject {
  const tree = treeOf(value);
  if (!(tree instanceof JsonObject)) throw new TypeError('not an object');
  return tree;
}

/** The tree as JSON.parse would have made it. */
export function plain(tree: JsonValue): unknown {
  if (tree instanceof JsonObject) return Object.fromEntries([...tree].map(([name, value]) => [name, plain(value)]));
  if (Array.isArray(tree)) return tree.map(plain);
  return typeof tree === 'bigint' ? Number(tree) : tree;
}
