import { describe, expect, it } from 'vitest';
import { createProgram } from '../../../src/cli/program.ts';

const helpOf = (name: string) =>
  createProgram(() => undefined)
    .commands.find((command) => command.name() === name)
    ?.helpInformation();

describe('the help', () => {
  it('shows every command that is not hidden in a group, and by which to begin', () => {
    const program = createProgram(() => undefined);
    const shown = program.createHelp().visibleCommands(program);
    expect(shown.filter((command) => command.helpGroup() === '').map((command) => command.name())).toEqual([]);
    expect(program.helpInformation()).not.toContain('\nCommands:');
  });
});

describe('the help of a command', () => {
  it.each([
    'status',
    'explain',
    'verify',
    'events',
    'who',
    'refresh',
    'forget',
    'prune',
    'quarantine',
    'accept-change',
    'accept-clock',
  ])('that works on the data directory shows its own options: %s', (name) => {
    expect(helpOf(name)).toContain('--data <dir>');
    expect(helpOf(name)).toContain('--json');
    expect(helpOf(name)).not.toMatch(/--(?:port|upstream|offline|log-level|max-bytes|proxy)\b/);
  });

  it('that serves shows every setting', () => {
    for (const flag of ['--upstream', '--ca', '--proxy', '--stale-if-error', '--offline'])
      expect(helpOf('serve')).toContain(flag);
  });
});
