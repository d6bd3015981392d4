import { readFileSync } from 'node:fs';
import { builtAccept, builtSliced, builtStages, builtTrustedRoot } from '../support/built.ts';

// Offers a hostile root after a trusted one; says how many milliseconds it took to be refused.

const [trusted = '', hostile = ''] = process.argv.slice(2);
const { acceptRoot } = await builtAccept();
const { asOf } = await builtStages();
const { pinRoot } = await builtTrustedRoot();
const { runToEnd } = await builtSliced();
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
