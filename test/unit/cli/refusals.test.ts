import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptLoss } from '../../../src/cli/accept-state-loss.ts';
import { clientDownload, clientInit, clientRefresh } from '../../../src/cli/client.ts';
import { baseAddress, clientReach } from '../../../src/cli/client-reach.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { TrustedDirectory } from '../../../src/cli/trusted-directory.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verbatim-cli-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const refused = (reason: string, words: string | RegExp = '') =>
  expect.objectContaining({ reason, message: expect.stringMatching(words) });

/** What is said instead of ending this process. */
async function said(...line: readonly string[]): Promise<string> {
  const program = createProgram(() => undefined, line[0]);
  const told: string[] = [];
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: (text) => told.push(text) });
    for (const each of command.commands) quiet(each);
  };
  quiet(program);
  const ended: unknown = await program.parseAsync(['node', 'verbatim', ...line]).then(
    () => expect.fail('nothing was refused'),
    (error: unknown) => error,
  );
  return `${told.join('')}${ended instanceof Error ? ended.message : ''}`;
}

describe('an option', () => {
  const accept = ['accept-change', 'main', '--reason', 'why'];

  it.each<readonly [readonly string[], string]>([
    [['serve', '--admin-port', 'x'], 'Not a whole number'],
    [['serve', '--admin-port', '1234567890'], 'Not a whole number'],
    [['serve', '--new-trust', 'main'], 'Say which index and why'],
    [['serve', '--new-trust', 'main= '], 'Say which index and why'],
    [['serve', '--new-trust', 'main=a', '--new-trust', 'main=b'], 'named twice'],
    [['events', '--since', 'yesterday'], 'Not a time such as'],
    [[...accept, '--all'], '--all goes with --refused'],
    [[...accept, '--refused', 'changed'], '--all goes with --refused'],
    [[...accept, '--since', '1'], '--all goes with --refused'],
    [[...accept, '--fetch', 'a'], '--all goes with --refused'],
    [[...accept, 'alpha', '--all', '--refused', 'changed'], '--all goes with --refused'],
  ])('that says nothing is refused in words: %j', async (line, words) => {
    expect(await said(...line)).toContain(words);
  });
});

describe('an address on the command line', () => {
  it.each(['nowhere', 'ftp://a.example/', 'https://user@a.example/', 'https://:word@a.example/'])(
    'is one of the web, and holds no secret: %s',
    (text) => expect(() => baseAddress(text, '--metadata-url')).toThrow(refused('policy', /--metadata-url must/)),
  );

  it('gets the slash that it lacks', () => {
    expect(baseAddress('https://a.example/metadata', '--metadata-url')).toBe('https://a.example/metadata/');
  });

  it('is reached as an index of a file is, which has to be there', async () => {
    const config = join(directory, 'verbatim.yaml');
    const index = { upstream: 'https://a.example/', evidence: 'index' };
    await writeFile(config, JSON.stringify({ indexes: { a: index, b: index } }));
    await expect(clientReach({ config }, [])).rejects.toEqual(refused('policy', 'has no index main'));
    await expect(clientReach({ config, index: 'c' }, [])).rejects.toEqual(refused('policy', 'has no index c'));
    expect(await clientReach({ config, index: 'b' }, [])).toMatchObject({ insecureUpstream: true });
  });
});

describe('verbatim client', () => {
  it('does nothing without a root that was given to it, nor without what it is to ask and where to put it', async () => {
    const options = { metadataDir: join(directory, 'trusted'), targetName: [] };
    await expect(clientRefresh(options)).rejects.toEqual(refused('state', 'holds no root.json'));
    const root = join(directory, 'root.json');
    await writeFile(root, createSimulator().rootBytes(1));
    await clientInit(options, root);
    await expect(clientRefresh(options)).rejects.toEqual(refused('policy', 'needs --metadata-url'));
    await expect(clientDownload(options)).rejects.toEqual(refused('policy', 'needs --target-dir'));
    const placed = { ...options, targetDir: directory };
    await expect(clientDownload(placed)).rejects.toEqual(refused('policy', 'needs --target-name'));
  });

  it('says of a delegated role that upstream does not have that it is missing', async () => {
    const simulator = createSimulator({
      fill(repository) {
        repository.delegate('targets', { name: 'team', authority: authority(['team']), paths: ['*'] });
      },
    });
    await TrustedDirectory.init(directory, simulator.rootBytes(1));
    const trust = await TrustedDirectory.open(directory);
    try {
      const generation = await trust.refresh(simulator.source, simulator.clock.now());
      const by = generation.targets.signed.delegations?.named('team') ?? expect.fail();
      simulator.drop('1.team.json');
      await expect(trust.role(generation, by, simulator.source)).rejects.toEqual(refused('unreachable', 'team'));
    } finally {
      trust.close();
    }
  });
});

it('what replicas share is given up by no one of them', async () => {
  const file = join(directory, 'verbatim.yaml');
  const indexes = { main: { upstream: 'https://a.example/', evidence: 'index' } };
  await writeFile(file, JSON.stringify({ indexes, fleet: { state: 's3://bucket/a' }, seal_key_file: 'key' }));
  const config = loadConfig({ file, env: {} });
  const given = { index: 'main', reason: 'why', adopt: false, json: false };
  await expect(acceptLoss(config, given)).rejects.toEqual(refused('policy'));
});
