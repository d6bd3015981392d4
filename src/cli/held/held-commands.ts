import type { Command } from 'commander';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

/** What is held, by name: looked at anew, dropped, or kept from being served. */
export function heldCommands(program: Command): void {
  withPlace(program.command('refresh').description('ask upstream for the page of a project now, however fresh it is'))
    .argument('<index>', 'which index')
    .argument('<project>', 'which project')
    .option('--reason <text>', 'why; kept in the audit trail', 'by hand')
    .option('--dry-run', 'only say what is held and who would be asked')
    .option('--json', 'for machines')
    .action(async (index: string, name: string, flags: HeldFlags) =>
      (await import('../refresh.ts')).refresh(await configOf(flags), { index, name, ...said(flags) }),
    );

  withPlace(
    program
      .command('forget')
      .description('drop the bytes that are held of a project, or of one of its files; pins stay'),
  )
    .argument('<index>', 'which index')
    .argument('<project>', 'which project')
    .argument('[file]', 'which of its files')
    .option('--reason <text>', 'why; kept in the audit trail', 'by hand')
    .option('--dry-run', 'only say what would be dropped')
    .option('--json', 'for machines')
    .action(async (index: string, name: string, file: string | undefined, flags: HeldFlags) =>
      (await import('../forget.ts')).forget(await configOf(flags), { index, name, file, ...said(flags) }),
    );

  withPlace(
    program
      .command('quarantine')
      .description('keep a project, or one version of it, from being served at once, whatever its index says'),
  )
    .argument('<index>', 'which index')
    .argument('<name[==version]>', 'which project, or which version of it')
    .requiredOption('--reason <text>', 'why; clients are told, and it is kept in the audit trail')
    .option('--lift', 'serve it again')
    .option('--dry-run', 'only say what would be kept from being served')
    .option('--json', 'for machines')
    .action(async (index: string, what: string, { lift = false, ...flags }: HeldFlags & { readonly lift?: boolean }) =>
      (await import('./quarantine.ts')).quarantine(await configOf(flags), { index, what, lift, ...said(flags) }),
    );
}

type HeldFlags = CommonFlags & { readonly reason: string; readonly dryRun?: boolean; readonly json?: boolean };

const said = ({ reason, dryRun = false, json = false }: HeldFlags) => ({ reason, dryRun, json });
