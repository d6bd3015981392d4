import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stillBroken } from '../test/architecture/ratchet.ts';

// Takes out of the ratchet what is broken no longer, and puts nothing in.

const root = fileURLToPath(new URL('../', import.meta.url));
const file = `${root}test/architecture/ratchet.json`;
const broken = new Set(stillBroken(root));
const listed: readonly string[] = JSON.parse(readFileSync(file, 'utf8'));
writeFileSync(
  file,
  `${JSON.stringify(
    listed.filter((line) => broken.has(line)),
    undefined,
    2,
  )}\n`,
);
