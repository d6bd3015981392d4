import { type Command, InvalidArgumentError, Option } from 'commander';
import { collect } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

interface Flags extends CommonFlags {
  readonly index?: string;
  readonly trustedRoot?: string;
  readonly rootFrom?: string;
  readonly gitlab?: readonly string[];
  readonly json?: boolean;
  readonly export?: string;
  readonly import?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

export function provenanceCommand(program: Command, fail: () => void): void {
  withPlace(
    program
      .command('provenance')
      .description('who published the files of a project, checked by Sigstore (PEP 740); of what is held'),
  )
    .argument('[name]', 'a project, or the name of a wheel or sdist')
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
    .addOption(new Option('--export <file>', 'write whom files are expected from, for another mirror'))
    .addOption(
      new Option('--import <file>', 'take that over, where nobody is known yet; who is known stays').conflicts(
        'export',
      ),
    )
    .option('--reason <text>', 'with --import: why; it is kept in the audit trail')
    .option('--dry-run', 'with --import: only say what would be taken')
    .option('--json', 'for machines')
    .action(async (name: string | undefined, flags: Flags) => {
      const { index, json = false, dryRun = false, reason } = flags;
      const [out, taken] = [flags.export, flags.import];
      if (taken === undefined && (reason !== undefined || dryRun))
        throw new InvalidArgumentError('--reason and --dry-run are of --import.');
      if (out !== undefined) {
        const { exportPublishers } = await import('./publishers.ts');
        return exportPublishers(await configOf(flags), { index, json, file: out, project: name });
      }
      if (taken !== undefined) {
        if (name !== undefined || reason === undefined)
          throw new InvalidArgumentError('An import takes FILE and --reason TEXT, and no name.');
        const { importPublishers } = await import('./publishers.ts');
        const given = { index, json, file: taken, reason, dryRun };
        if (!(await importPublishers(await configOf(flags), given))) fail();
        return;
      }
      if (name === undefined) throw new InvalidArgumentError('Say of which project or file, or --export or --import.');
      const { trustedRoot, rootFrom, gitlab = [] } = flags;
      const { provenance } = await import('./provenance.ts');
      if (!(await provenance(await configOf(flags), name, { index, trustedRoot, rootFrom, gitlab, json }))) fail();
    });
}
