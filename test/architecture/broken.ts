import { violations } from './check.ts';
import { readSources } from './source.ts';
import { absentReferences } from './words.ts';

const TEXTS: readonly (readonly [folder: string, extension: string])[] = [
  ['src', '.ts'],
  ['test', '.ts'],
  ['test', '.py'],
  ['bench', '.ts'],
  ['scripts', '.ts'],
  ['docs', '.md'],
  ['config', '.yaml'],
];

/** Every rule that is broken anywhere in the project, one line each, sorted. */
export function brokenRules(root: string): readonly string[] {
  const code = readSources(root, 'src').flatMap(violations);
  const texts = TEXTS.flatMap(([folder, extension]) => readSources(root, folder, extension)).flatMap(absentReferences);
  return [...new Set([...code, ...texts])].sort();
}
