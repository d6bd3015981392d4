import { type Command, Option } from 'commander';
import { instant } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';

interface Flags extends CommonFlags {
  readonly index?: string;
  readonly json?: boolean;
}

export function policyCommands(program: Command): void {
  const policy = program
    .command('policy')
    .description('what a policy would hold back, before it does (docs/policy.md)');
  withPlace(
    policy
      .command('test')
      .description('what would be served, hidden or denied by this policy that is not so now, of what is held'),
  )
    .argument('<file>', 'the policy, as policy_file names it')
    .option('--index <name>', 'which index, where several are configured')
    .option('--json', 'for machines')
    .action(async (file: string, { index, json = false, ...flags }: Flags) => {
      const { testPolicy } = await import('./test-policy.ts');
      await testPolicy(await configOf(flags), file, { index, json });
    });
  withPlace(policy.command('simulate').description('what this policy would have refused of what clients were sent'))
    .argument('<file>', 'the policy, as policy_file names it')
    .addOption(new Option('--since <time>', 'a time, or as long ago as 30d').argParser(timeOrAge))
    .option('--index <name>', 'which index, where several are configured')
    .option('--json', 'for machines')
    .action(async (file: string, { index, json = false, since, ...flags }: Flags & { readonly since?: Since }) => {
      const { simulatePolicy } = await import('./simulate-policy.ts');
      await simulatePolicy(await configOf(flags), file, { index, json, since });
    });
}

/** A moment, or seconds before now. */
export type Since = { readonly at: number } | { readonly ago: number };

function timeOrAge(text: string): Since {
  const [, count, unit] = /^(\d{1,5})([hdw])$/.exec(text) ?? [];
  const size = { h: 3600, d: 86_400, w: 604_800 }[unit ?? ''];
  return count === undefined || size === undefined ? { at: instant(text) } : { ago: Number(count) * size };
}
