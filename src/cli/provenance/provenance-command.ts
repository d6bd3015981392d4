import { type Command, Option } from 'commander';
import { collect } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

interface Flags extends CommonFlags {
  readonly index?: string;
  readonly trustedRoot?: string;
  readonly rootFrom?: string;
  readonly gitlab?: readonly string[];
  readonly json?: boolean;
}

export function provenanceCommand(program: Command, fail: () => void): void {
  withPlace(
    program
      .command('provenance')
      .description('who published the files of a project, checked by Sigstore (PEP 740); of what is held'),
  )
    .argument('<name>', 'a project, or the name of a wheel or sdist')
    .option('--index <name>', 'which index, where several are configured')
    .option('--trusted-root <file>', "Sigstore's trusted_root.json; a copy comes with this program")
    .addOption(
      new Option(
        '--root-from <index>',
        "the index that mirrors Sigstore's TUF repository: its trusted root, proved",
      ).conflicts('trustedRoot'),
    )
    .option(
      '--gitlab <url>',
      'the issuer of a GitLab of your own, to be believed as gitlab.com is; may be repeated',
      collect,
    )
    .option('--json', 'for machines')
    .action(async (name: string, { index, trustedRoot, rootFrom, gitlab = [], json = false, ...flags }: Flags) => {
      const { provenance } = await import('./provenance.ts');
      if (!(await provenance(await configOf(flags), name, { index, trustedRoot, rootFrom, gitlab, json }))) fail();
    });
}
