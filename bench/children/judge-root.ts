import { readFileSync } from 'node:fs';
import { builtAccept, builtJudging } from '../support/built.ts';

// Offers a hostile root after a trusted one; says how many milliseconds it took to be refused.

const [trusted = '', hostile = ''] = process.argv.slice(2);
const { acceptRoot, startFrom } = await builtAccept();
const { judge } = await builtJudging();
const at = judge(startFrom(readFileSync(trusted), Math.floor(Date.now() / 1000)));
const bytes = readFileSync(hostile);
const begun = performance.now();
try {
  judge(acceptRoot(at, bytes));
} catch {
  console.log(performance.now() - begun);
  process.exit(0);
}
throw new Error('it was accepted');
