import { Command } from 'commander';

const BESIDES = 'Besides:';

/** What the help shows together, in this order. */
const GROUPS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['Run it:', ['serve', 'demo', 'hash-password']],
  ['Ask it:', ['doctor', 'status', 'explain', 'provenance', 'verify', 'events', 'who']],
  ['Decide, and keep why:', ['accept-change', 'accept-state-loss', 'accept-clock', 'quarantine', 'policy', 'requests']],
  ['Care for what is held:', ['sync', 'refresh', 'forget', 'prune']],
  ['Carry it across a gap:', ['export', 'import', 'keygen', 'receipt']],
  [BESIDES, ['client']],
];

const BEGIN = `
Begin with "verbatim serve": a mirror of PyPI on this machine, and the lines that point an installer at it.
When something is wrong, "verbatim doctor" says what to do. Each command takes --help.`;

export function grouped(program: Command): Command {
  for (const [title, names] of GROUPS)
    for (const command of program.commands) if (names.includes(command.name())) command.helpGroup(title);
  const help = new Command('help').argument('[command]').description('display help for command').helpGroup(BESIDES);
  return program.addHelpCommand(help).addHelpText('after', BEGIN);
}
