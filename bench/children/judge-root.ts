import { readFileSync } from 'node:fs';
import { acceptRoot } from '../../src/tuf/accept.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { asOf } from '../../src/tuf/stages.ts';
import { pinRoot } from '../../src/tuf/trusted-root.ts';

// Offers a hostile root after a trusted one; says how many milliseconds it took to be refused.

const [trusted = '', hostile = ''] = process.argv.slice(2);
const at = asOf(runToEnd(pinRoot(readFileSync(trusted))), Math.floor(Date.now() / 1000));
const bytes = readFileSync(hostile);
const begun = performance.now();
try {
  runToEnd(acceptRoot(at, bytes));
} catch {
  console.log(performance.now() - begun);
  process.exit(0);
}
throw new Error('it was accepted');
