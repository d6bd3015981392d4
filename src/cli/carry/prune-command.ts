import type { Command } from 'commander';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

export function pruneCommand(program: Command): void {
  withPlace(
    program
      .command('prune')
      .description('drop stored files that no page, import, export, sync or pin needs; pins stay'),
  )
    .option('--reason <text>', 'why; kept in the audit trail', 'by hand')
    .option('--dry-run', 'only say what would go, and why the rest stays')
    .option('--json', 'for machines')
    .action(async (flags: CommonFlags & { reason: string; dryRun?: boolean; json?: boolean }) => {
      const { reason, dryRun = false, json = false } = flags;
      await (await import('./prune.ts')).prune(await configOf(flags), { reason, dryRun, json });
    });
}
