import { readFileSync, writeFileSync } from 'node:fs';
import { jsonSchema } from '../src/config/schema.ts';

// Writes config/verbatim.schema.json; with --check, says whether it is up to date and writes nothing.

const file = new URL('../config/verbatim.schema.json', import.meta.url);

if (!process.argv.includes('--check')) writeFileSync(file, jsonSchema());
else if (readFileSync(file, 'utf8') !== jsonSchema()) {
  console.error('config/verbatim.schema.json is not what src/config/schema.ts says: run `npm run schema`.');
  process.exitCode = 1;
}
