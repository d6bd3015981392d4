import { Command, Option } from 'commander';
import { collect, instant } from './arguments.ts';

interface ClientFlags {
  readonly metadataDir: string;
  readonly metadataUrl?: string;
  readonly targetName: readonly string[];
  readonly targetBaseUrl?: string;
  readonly targetDir?: string;
  readonly referenceTime?: number;
  readonly config?: string;
  readonly index?: string;
  readonly ca?: string;
  readonly proxy?: string;
  readonly privateHost?: readonly string[];
}

export function clientCommand(): Command {
  const client = new Command('client')
    .description('a TUF client for scripts and test suites, over the same verifier')
    .requiredOption('--metadata-dir <dir>', 'where the trusted metadata lies')
    .option('--metadata-url <url>', 'where the repository keeps its metadata')
    .option('--target-name <path>', 'a target to download; may be repeated', collect, [])
    .option('--target-base-url <url>', 'where the repository keeps its targets')
    .option('--target-dir <dir>', 'where downloaded targets go')
    .option(
      '--config <file>',
      'reach it as an index of this configuration is reached: credentials, ca, proxy, timeouts',
    )
    .option('--index <name>', 'which index of the configuration (the only one, or main)')
    .option('--ca <file>', 'certificate authorities besides the usual ones, PEM')
    .option('--proxy <url>', 'an HTTP proxy through which everything is fetched')
    .option('--private-host <host>', 'a host that may lead into a private network; may be repeated', collect)
    .addOption(
      new Option('--reference-time <time>', 'judge expiry as of this time instead of the clock').argParser(instant),
    );
  const flags = () => client.opts<ClientFlags>();
  client
    .command('init')
    .description('trust a root given by hand')
    .argument('<root>', 'the root file')
    .action(async (root: string) => (await import('./client.ts')).clientInit(flags(), root));
  client
    .command('refresh')
    .description('bring the trusted metadata up to date')
    .action(async () => (await import('./client.ts')).clientRefresh(flags()));
  client
    .command('download')
    .description('refresh, then download the targets named')
    .action(async () => (await import('./client.ts')).clientDownload(flags()));
  return client;
}
