import { z } from 'zod';
import { schema } from './schema.ts';

/** The JSON Schema of the configuration file, for editors; ends in a newline. */
export function jsonSchema(): string {
  const generated = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'Verbatim configuration', ...generated }, undefined, 2)}\n`;
}
