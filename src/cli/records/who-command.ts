import { type Command, Option } from 'commander';
import { collect, instant } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

interface WhoFlags extends CommonFlags {
  readonly affected?: string;
  readonly since?: number;
  readonly index?: string;
  readonly records?: readonly string[];
  readonly json?: boolean;
  readonly csv?: boolean;
}

export function whoCommand(program: Command, fail: () => void): void {
  withPlace(program.command('who').description('which clients were sent a project, a version of it, or a file'))
    .argument('[what]', 'a project, the name of a file, or its sha256')
    .argument('[version]', 'of the project')
    .option('--affected <path>', 'what these advisories speak of: an OSV file, or a folder of them')
    .addOption(new Option('--since <time>', 'from this time on').argParser(instant))
    .option('--index <name>', 'of one index only')
    .option('--records <dir>', 'also what the data directory of a replica, or its copy, has; may be repeated', collect)
    .option('--json', 'for machines')
    .addOption(new Option('--csv', 'for tables').conflicts('json'))
    .action(async (what: string | undefined, version: string | undefined, flags: WhoFlags) => {
      const { affected, since, index, records = [], json, csv } = flags;
      const form = json === true ? 'json' : csv === true ? 'csv' : 'text';
      const { who } = await import('./who.ts');
      if (!(await who(await configOf(flags), { what, version, affected, since, index, records, form }))) fail();
    });
}
