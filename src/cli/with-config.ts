import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { type FlagName, type Flags, option, SETTINGS } from '../config/settings.ts';
import { collect } from './arguments.ts';

// Options that every command takes which reads the configuration.

export type CommonFlags = Flags & { readonly config?: string };

export function withConfig(command: Command, isShown: (flag: FlagName) => boolean = () => true): Command {
  command.option('--config <file>', 'configuration file; flags overrule it');
  for (const { flag, value, says, otherwise, isList } of SETTINGS) {
    const help = otherwise === undefined ? says : `${says} (${otherwise})`;
    const named = new Option(value === undefined ? option(flag) : `${option(flag)} <${value}>`, help);
    command.addOption((isList === true ? named.argParser(collect) : named).hideHelp(!isShown(flag)));
  }
  return command;
}

/** Which data directory, and how it is believed. */
const OF_THE_DIRECTORY: ReadonlySet<FlagName> = new Set(['data', 'sealKeyFile', 'sealEpochFile', 'referenceTime']);

/** For what works on the data directory: it takes the flags that the server was started with, and shows what is its own. */
export function withPlace(command: Command): Command {
  return withConfig(command, (flag) => OF_THE_DIRECTORY.has(flag)).addHelpText(
    'after',
    '\nThe settings of "verbatim serve" are taken too, so that the same line works with another command in it.',
  );
}

export async function configOf(flags: CommonFlags): Promise<Config> {
  const { loadConfig } = await import('../config/load.ts');
  return loadConfig({ file: flags.config, flags });
}

export function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('Not a whole number.');
  return Number(value);
}
