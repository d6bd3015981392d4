import { openJson } from '../bytes/json-pieces.ts';
import { MAX_DEPTH, MAX_PIECE } from './limits.ts';
import { bad, isRecord } from './read.ts';

/** Objects, arrays and scalars of one document: thousands of variants. */
const MOST_VALUES = 100_000;

/**
 * What a wheel of each label is for, by label, as text that is equal where the properties are (PEP 825: `variants` of
 * `NAME-VERSION-variants.json`, or of a wheel's own `variant.json`). Refuses `format` and `limit`.
 */
export function decodeVariants(bytes: Uint8Array): ReadonlyMap<string, string> {
  const json = openJson(bytes, {
    what: 'The list of variants',
    subject: 'file',
    depth: MAX_DEPTH,
    values: MOST_VALUES,
    piece: MAX_PIECE,
  });
  if (json.kind !== 'object') throw bad('The list of variants is no object.');
  const variants = new Map<string, string>();
  let isThere = false;
  json.members((name) => {
    if (name !== 'variants' || json.kind !== 'object') return;
    isThere = true;
    json.members((label) => variants.set(label, propertiesText(json.value())));
  });
  json.end();
  if (!isThere) throw bad('The list of variants has no "variants".');
  return variants;
}

/** Namespaces, features and values in one order: none of the three has one that means anything here. */
function propertiesText(properties: unknown): string {
  if (Array.isArray(properties)) return `[${properties.map(propertiesText).sort().join()}]`;
  if (!isRecord(properties)) return JSON.stringify(properties);
  const members = Object.keys(properties).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${propertiesText(properties[name])}`).join()}}`;
}
