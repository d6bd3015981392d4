import { z } from 'zod';

/** What a text is beyond its form. `fetched`: bytes come from there, and may not cross a network in the clear unasked. */
export type Meaning = 'file' | 'variable' | 'fetched';

const meanings = z.registry<{ readonly meaning: Meaning }>();

/** Says what the texts of a schema mean. */
export function meaning<S extends z.ZodType>(what: Meaning, schema: S): S {
  meanings.add(schema, { meaning: what });
  return schema;
}

/** One value the file may hold; `*` in a path is any name, and any element of a list. */
export interface Leaf {
  readonly path: readonly string[];
  readonly meaning: Meaning | undefined;
  /** Digits in a text stand for a number. */
  readonly isNumber: boolean;
}

/** Every value that a schema knows of. */
export function* leaves(schema: unknown, path: readonly string[] = []): Generator<Leaf, void, undefined> {
  const said = schema instanceof z.ZodType ? meanings.get(schema)?.meaning : undefined;
  if (said !== undefined) yield { path, meaning: said, isNumber: false };
  else if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    yield* leaves(schema.unwrap(), path);
  else if (schema instanceof z.ZodPipe) yield* leaves(schema.in, path);
  else if (schema instanceof z.ZodObject)
    for (const [key, value] of Object.entries(schema.shape)) yield* leaves(value, [...path, key]);
  else if (schema instanceof z.ZodRecord) yield* leaves(schema.valueType, [...path, '*']);
  else if (schema instanceof z.ZodArray) yield* leaves(schema.element, [...path, '*']);
  else if (schema instanceof z.ZodUnion) for (const each of schema.options) yield* leaves(each, path);
  else yield { path, meaning: undefined, isNumber: schema instanceof z.ZodNumber };
}
