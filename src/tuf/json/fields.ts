import { type Instant, parseInstant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { type JsonArray, JsonObject, type JsonValue } from './json-value.ts';

// Readers for one field each. Every refusal names the path of the field it is about.

function wrong(path: string, wanted: string): Refusal {
  return new Refusal('format', `${path} is not ${wanted}.`);
}

export function at(path: string, key: string | number): string {
  return typeof key === 'number' ? `${path}[${key}]` : `${path}.${key.slice(0, 80)}`;
}

export function fieldOf(object: JsonObject, name: string): JsonValue | undefined {
  return object.get(name);
}

export function object(value: unknown, path: string): JsonObject {
  if (!(value instanceof JsonObject)) throw wrong(path, 'an object');
  return value;
}

export function array(value: unknown, path: string): JsonArray {
  if (!Array.isArray(value)) throw wrong(path, 'a list');
  return value;
}

export function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw wrong(path, 'a text');
  return value;
}

export function flag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false');
  return value;
}

/** A whole number from `least` to 2^53 - 1. */
export function count(value: unknown, path: string, least: number): number {
  if (typeof value !== 'number' || value < least) throw wrong(path, `a whole number from ${least} to 2^53 - 1`);
  return value;
}

/** Exactly YYYY-MM-DDTHH:MM:SSZ, on the calendar (TUF §4.2.1): a date that cannot be read must not mean "never expires". */
export function date(value: unknown, path: string): Instant {
  const instant = typeof value === 'string' ? parseInstant(value) : undefined;
  if (instant === undefined) throw wrong(path, 'a date on the calendar, of the form YYYY-MM-DDTHH:MM:SSZ');
  return instant;
}
