import type { Command } from 'commander';
import { type CommonFlags, withConfig } from '../with-config.ts';

export function doctorCommand(program: Command, fail: () => void): void {
  withConfig(
    program
      .command('doctor')
      .description(
        'look at configuration, disk, clock, upstream, Redis, buckets and installers, install for real, and say what to do',
      ),
    () => false,
  )
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nThe settings of "verbatim serve" are taken too, so that the same line works with another command in it. Nothing stays of what it\nwrites. It ends with 1 where something does not work.',
    )
    .action(async ({ config, json = false, ...flags }: CommonFlags & { readonly json?: boolean }) => {
      const { doctor } = await import('./doctor.ts');
      if (!(await doctor({ file: config, flags }, json))) fail();
    });
}
