import { type Command, InvalidArgumentError } from 'commander';
import { instant } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

// What carries an index to where no network leads.

interface ImportFlags extends CommonFlags {
  readonly index?: string;
  readonly dryRun?: boolean;
  readonly asOf?: number;
  readonly watch?: string;
  readonly scan?: readonly string[];
  readonly json?: boolean;
}

export function importCommand(program: Command, fail: () => void): void {
  withPlace(
    program
      .command('import')
      .description('take in a bundle, or all its pieces: proved by this site’s own root, pins and keys'),
  )
    .argument('[files...]', 'the files of one bundle, in any order')
    .option('--index <name>', 'which index; the only one that arrives by import')
    .option('--dry-run', 'only check it, and say what would change')
    .option('--as-of <time>', 'judge its signatures as of this time, and whatever is served from then on', instant)
    .option('--watch <dir>', 'take in what arrives in this directory, in any order, until stopped')
    .option('--scan <list>', 'a program and its arguments, as a JSON list, asked for each new file', words)
    .option('--json', 'for machines')
    .action(async (files: readonly string[], flags: ImportFlags) => {
      const { importFiles } = await import('./import.ts');
      const { index, dryRun = false, asOf, watch, scan, json = false } = flags;
      if (!(await importFiles(await configOf(flags), { files, index, dryRun, asOf, watch, scan, json }))) fail();
    });
}

function words(value: string): readonly string[] {
  const given: unknown = parsed(value);
  if (Array.isArray(given) && given.length > 0 && given.every((word) => typeof word === 'string' && word !== ''))
    return given;
  throw new InvalidArgumentError('Not a JSON list of words, such as ["clamdscan","-"].');
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
