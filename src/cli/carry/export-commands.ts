import { type Command, InvalidArgumentError, Option } from 'commander';
import { collect, instant } from '../arguments.ts';
import { type CommonFlags, configOf, withPlace } from '../with-config.ts';
import type { ExportFlags } from './export.ts';

// What is made outside, to be carried to where no network leads.

/** Bytes by suffix, as media are sold and as they are counted. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
/** The smallest piece that is of any use. */
const SMALLEST_PIECE = 64 * 1024;

export function exportCommands(program: Command): void {
  receiptCommand(program);
  program
    .command('keygen')
    .description('make a key that signs bundles: FILE to keep, FILE.pub for the site that receives them')
    .argument('<file>', 'where to; nothing may lie there')
    .option('--passphrase', 'encrypt it; asked for, or read from a pipe')
    .option('--json', 'for machines')
    .action(async (file: string, flags: { passphrase?: boolean; json?: boolean }) =>
      (await import('./keygen.ts')).keygen(file, flags.passphrase ?? false, flags.json ?? false),
    );

  withPlace(program.command('export').description('write what is held of an index as a bundle, to be carried'))
    .argument('<place>', 'a directory, in which a directory of its own is made; or FILE.tar for one file')
    .option('--index <name>', 'which index, where several are configured')
    .option(
      '--project <glob>',
      'only these projects: names, or globs such as acme-*; may be repeated; everything held where none is named',
      collect,
    )
    .option('--since <number>', 'only what is new since this bundle; "last" for the one before', since)
    .option('--again <number>', 'make this bundle once more, byte for byte', bundleNumber)
    .option('--receipt <file>', 'leave out the bytes of what the far side holds, as "verbatim receipt" wrote it there')
    .option('--piece-size <size>', 'cut it into files of at most so much: 4GiB, 4700MB, 100MB', size)
    .option('--key <file>', 'sign it with this key (verbatim keygen); may be repeated', collect)
    .option('--serve-for <days>', 'how long it is to be served after the time of its state', days)
    .option('--announce-key <file>', 'say that this public key will sign later ones')
    .addOption(new Option('--announce-from <time>', 'from when on the announced key signs').argParser(instant))
    .option('--dry-run', 'only say what it would be')
    .option('--json', 'for machines')
    .action(async (place: string, flags: CommonFlags & ExportFlags) =>
      (await import('./export.ts')).exportTo(await configOf(flags), place, flags),
    );
}

function receiptCommand(program: Command): void {
  withPlace(
    program
      .command('receipt')
      .description('write what is held here to a file, so that the site outside need not send it again'),
  )
    .argument('<file>', 'where to; nothing may lie there')
    .option('--index <name>', 'which index, where several are configured')
    .option('--json', 'for machines')
    .action(async (file: string, flags: CommonFlags & { index?: string; json?: boolean }) =>
      (await import('./receipt.ts')).writeReceipt(await configOf(flags), file, flags.index, flags.json ?? false),
    );
}

function since(value: string): number | 'last' {
  return value === 'last' ? value : bundleNumber(value);
}

function bundleNumber(value: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(value)) throw new InvalidArgumentError('Not the number of a bundle.');
  return Number(value);
}

function days(value: string): number {
  if (!/^[1-9][0-9]{0,4}$/.test(value) || Number(value) > 36_500)
    throw new InvalidArgumentError('Not a number of days.');
  return Number(value);
}

function size(value: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,15})[ ]?([a-z]*)$/i.exec(value) ?? [];
  const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? Number.NaN);
  if (digits === '' || !Number.isSafeInteger(bytes))
    throw new InvalidArgumentError('Not a size such as 4GiB or 100MB.');
  if (bytes < SMALLEST_PIECE) throw new InvalidArgumentError(`A piece has at least ${SMALLEST_PIECE} bytes.`);
  return bytes;
}
