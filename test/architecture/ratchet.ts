import { violations } from './check.ts';
import { readSources } from './source.ts';
import { absentReferences } from './words.ts';

// What still breaks a rule, until it is mended: ratchet.json lists it, and may only become shorter. `node
// scripts/ratchet.ts` takes out of it what is broken no longer, and puts nothing in.

const TEXTS: readonly (readonly [folder: string, extension: string])[] = [
  ['src', '.ts'],
  ['test', '.ts'],
  ['test', '.py'],
  ['bench', '.ts'],
  ['scripts', '.ts'],
  ['docs', '.md'],
  ['config', '.yaml'],
];

/** Every rule that is broken anywhere, one line each, sorted. */
export function stillBroken(root: string): readonly string[] {
  const code = readSources(root, 'src').flatMap(violations);
  const texts = TEXTS.flatMap(([folder, extension]) => readSources(root, folder, extension)).flatMap(absentReferences);
  return [...new Set([...code, ...texts])].sort();
}
