import { Command, InvalidArgumentError, Option } from 'commander';
import type { ChangeFlags } from '../mirror/operator/acts.ts';
import { BULK_REASONS } from '../mirror/operator/bulk-reasons.ts';
import { VERSION } from '../version.ts';
import { instant } from './arguments.ts';
import { exportCommands } from './carry/export-commands.ts';
import { importCommand } from './carry/import-command.ts';
import { pruneCommand } from './carry/prune-command.ts';
import { syncCommand } from './carry/sync-command.ts';
import { clientCommand } from './client-command.ts';
import { doctorCommand } from './doctor/command.ts';
import { heldCommands } from './held/held-commands.ts';
import { grouped } from './help/groups.ts';
import { policyCommands } from './policy/policy-command.ts';
import { provenanceCommand } from './provenance/provenance-command.ts';
import { whoCommand } from './records/who-command.ts';
import { requestsCommand } from './requests/requests-command.ts';
import type { ServeOptions } from './serve.ts';
import { type CommonFlags, configOf, wholeNumber, withConfig, withPlace } from './with-config.ts';

// One place that names every command and option. What a command needs is loaded when it runs: starting must be quick.

/**
 * The exit status is 0, or 1 for anything that did not succeed. `asked` is the first argument: `client`, which scripts run again
 * and again, has none of the others' hundreds of options made.
 */
export function createProgram(fail: () => void, asked?: string): Command {
  const program = new Command('verbatim')
    .description('A caching mirror of Python package indexes that proves what it serves.')
    .version(VERSION)
    .showHelpAfterError('(add --help for the options)');
  const client = clientCommand();
  if (asked === client.name()) return program.addCommand(client);
  runningCommands(program, fail);
  askingCommands(program, fail);
  provenanceCommand(program, fail);
  policyCommands(program);
  requestsCommand(program);
  acceptCommands(program);
  clockCommands(program);
  heldCommands(program);
  recordCommands(program, fail);
  doctorCommand(program, fail);
  exportCommands(program);
  syncCommand(program, fail);
  importCommand(program, fail);
  pruneCommand(program);
  return grouped(program.addCommand(client));
}

/** What runs until it is stopped. */
function runningCommands(program: Command, fail: () => void): void {
  withConfig(program.command('serve').description('run the mirror'))
    .option('--admin-port <port>', 'also serve /metrics, on this port of loopback', wholeNumber)
    .option('--admin-host <address>', 'where that port listens instead: whoever reaches it reads what is used here')
    .option(
      '--new-trust <index=reason>',
      'begin this index again from the root given, giving up what was trusted before; or go on with other evidence or at another upstream, held to what was seen; kept in the audit trail; may be repeated',
      wordForIndex,
    )
    .option('--json', 'say where it listens as one JSON line')
    .action(async (flags: CommonFlags & ServeFlags) =>
      (await import('./serve.ts')).serve(await configOf(flags), {
        json: flags.json ?? false,
        newTrust: flags.newTrust,
        admin: adminOf(flags),
      }),
    );

  program
    .command('worker', { hidden: true })
    .description('one of the processes of "serve --workers", which starts it')
    .action(async () => {
      if (await (await import('../app/processes/worker.ts')).runWorker()) return;
      (await import('./output.ts')).say('verbatim: "serve --workers" starts workers; they do not run by themselves');
      fail();
    });

  program
    .command('demo')
    .description('build a signed index, mirror it, install from it with pip, and see attacks refused')
    .option('--keep', 'leave the index and the mirror running until Ctrl-C')
    .option('--json', 'print the addresses as one JSON line at the end')
    .option('--offline', 'use packages made here instead of real ones from PyPI')
    .action(async (flags: { keep?: boolean; json?: boolean; offline?: boolean }) => {
      const { demo } = await import('../demo/demo.ts');
      if (!(await demo({ keep: flags.keep ?? false, json: flags.json ?? false, offline: flags.offline ?? false })))
        fail();
    });
}

interface ServeFlags {
  readonly json?: boolean;
  readonly newTrust?: ReadonlyMap<string, string>;
  readonly adminPort?: number;
  readonly adminHost?: string;
}

function adminOf({ adminPort: port, adminHost: host }: ServeFlags): ServeOptions['admin'] {
  if (port === undefined && host !== undefined)
    throw new InvalidArgumentError('--admin-host goes with --admin-port: nothing listens there without a port.');
  return port === undefined ? undefined : { port, host: host ?? LOOPBACK };
}

const LOOPBACK = '127.0.0.1';

/** What is asked of a data directory, and of the secrets around it. */
function askingCommands(program: Command, fail: () => void): void {
  withPlace(
    program.command('status').description('the trust state of every index: who signed, of how many needed, until when'),
  )
    .option('--json', 'for machines')
    .action(async (flags: CommonFlags & { json?: boolean }) =>
      (await import('./status.ts')).status(await configOf(flags), flags.json ?? false),
    );

  withPlace(
    program.command('explain').description('who vouches for a project or a file, and what an attacker would need'),
  )
    .argument('<name>', 'a project, or the name of a wheel or sdist')
    .option('--index <name>', 'which index, where several are configured')
    .option('--json', 'for machines')
    .action(async (name: string, flags: CommonFlags & { json?: boolean; index?: string }) =>
      (await import('./explain.ts')).explain(await configOf(flags), name, flags.index, flags.json ?? false),
    );

  withPlace(program.command('verify').description('prove the stored signatures and every stored file again'))
    .option('--json', 'for machines')
    .action(async (flags: CommonFlags & { json?: boolean }) => {
      if (!(await (await import('./verify.ts')).verify(await configOf(flags), flags.json ?? false))) fail();
    });

  program
    .command('hash-password')
    .description('a line for the file of users (server.auth.htpasswd); asks for the password, or reads it from a pipe')
    .argument('<name>', 'whose it is')
    .option('--token', 'make a token instead, and a line for server.auth.tokens')
    .action(async (name: string, flags: { token?: boolean }) =>
      (await import('./hash-password.ts')).hashPasswordFor(name, flags.token ?? false),
    );
}

/** What an operator decides after the fact, whether a server runs or not. */
function acceptCommands(program: Command): void {
  withPlace(program.command('accept-change').description('let through one change that is refused, and keep why'))
    .argument('<index>', 'which index')
    .argument('[project]', 'which project')
    .argument('[file]', 'which of its files')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--digest <alg:hex>', 'the file has this digest from now on')
    .option('--core-metadata <alg:hex>', 'its core metadata has this digest from now on')
    .option('--serial <number>', 'the page may be as old as this serial; none for a page without one')
    .option('--removed', 'the file, or the whole project, is gone')
    .option('--unyanked', 'the file is yanked no longer')
    .option('--unquarantined', 'the project is quarantined no longer')
    .addOption(
      new Option('--lost <attribute>', 'the file lost this').choices(['upload-time', 'provenance', 'core-metadata']),
    )
    .option(
      '--publisher <version>',
      'a release may be by somebody else than before, or by nobody who says so; none: begin anew',
    )
    .option('--revoke-fetch <id>', 'forget every pin and page that this fetch brought in')
    .option('--all', 'everything of the index that is refused as --refused says, in one act; look with --dry-run first')
    .addOption(new Option('--refused <reason>', 'with --all: refused for this').choices(BULK_REASONS))
    .addOption(new Option('--since <time>', 'with --all: refused at this time or later').argParser(instant))
    .option('--fetch <id>', 'with --all: held to what this fetch brought in')
    .option('--dry-run', 'only say what would be accepted')
    .option('--json', 'for machines')
    .action(async (index: string, project: string | undefined, file: string | undefined, flags: AcceptFlags) => {
      const { digest, coreMetadata, serial, removed, unyanked, unquarantined, lost, publisher, revokeFetch } = flags;
      const change = { digest, coreMetadata, serial, removed, unyanked, unquarantined, lost, publisher, revokeFetch };
      const { acceptChange } = await import('./accept-change.ts');
      await acceptChange(await configOf(flags), {
        index,
        project,
        file,
        change,
        all: bulkOf(flags, project, change),
        reason: flags.reason,
        dryRun: flags.dryRun ?? false,
        json: flags.json ?? false,
      });
    });

  withPlace(
    program
      .command('accept-state-loss')
      .description('give up what is missing or cannot be believed in the data directory, and keep why'),
  )
    .argument('<index>', 'which index')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--adopt', 'believe what is whole, whoever sealed it: for a seal key that is new, changed or gone')
    .option('--json', 'for machines')
    .action(async (index: string, flags: CommonFlags & { reason: string; adopt?: boolean; json?: boolean }) =>
      (await import('./accept-state-loss.ts')).acceptLoss(await configOf(flags), {
        index,
        reason: flags.reason,
        adopt: flags.adopt ?? false,
        json: flags.json ?? false,
      }),
    );
}

/** The same of the clock. */
function clockCommands(program: Command): void {
  withPlace(
    program
      .command('accept-clock')
      .description('the clock is right and was ahead before: let the times that it left behind fall, and keep why'),
  )
    .argument('[index]', 'which index; all where none is named')
    .requiredOption('--reason <text>', 'why; kept in the audit trail')
    .option('--dry-run', 'only say what would be accepted')
    .option('--json', 'for machines')
    .action(
      async (index: string | undefined, flags: CommonFlags & { reason: string; dryRun?: boolean; json?: boolean }) =>
        (await import('./accept-clock.ts')).acceptClock(await configOf(flags), {
          index,
          reason: flags.reason,
          dryRun: flags.dryRun ?? false,
          json: flags.json ?? false,
        }),
    );
}

/** What happened, and who was sent what. */
function recordCommands(program: Command, fail: () => void): void {
  withPlace(program.command('events').description('what upstream took away or changed, oldest first'))
    .option('--index <name>', 'of one index only')
    .option('--project <name>', 'of one project only')
    .addOption(new Option('--since <time>', 'from this time on').argParser(instant))
    .option('--json', 'for machines')
    .action(async (flags: CommonFlags & { index?: string; project?: string; since?: number; json?: boolean }) => {
      const { index, project, since, json = false } = flags;
      if (!(await (await import('./events.ts')).events(await configOf(flags), { index, project, since }, json))) fail();
    });

  whoCommand(program, fail);
}

function bulkOf({ all, refused, since, fetch }: AcceptFlags, project: string | undefined, change: ChangeFlags) {
  const isAlone = project === undefined && Object.values(change).every((value) => value === undefined);
  if (all === true && refused !== undefined && isAlone) return { refused, since, fetch };
  if (all === true || refused !== undefined || since !== undefined || fetch !== undefined)
    throw new InvalidArgumentError(
      '--all goes with --refused (and --since, --fetch), and with no project or other change.',
    );
  return undefined;
}

type AcceptFlags = CommonFlags &
  ChangeFlags & {
    readonly all?: boolean;
    readonly refused?: (typeof BULK_REASONS)[number];
    readonly since?: number;
    readonly fetch?: string;
  } & { readonly reason: string; readonly dryRun?: boolean; readonly json?: boolean };

/** `INDEX=REASON`, added to those before. */
function wordForIndex(value: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  const word = /^([^=]+)=(.*\S.*)$/s.exec(value);
  if (word === null)
    throw new InvalidArgumentError('Say which index and why: INDEX=REASON, such as main="the index moved house".');
  const [, index = '', reason = ''] = word;
  if (before.has(index)) throw new InvalidArgumentError(`The index ${index} was named twice.`);
  return new Map([...before, [index, reason]]);
}
