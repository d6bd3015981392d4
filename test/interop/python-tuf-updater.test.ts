import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { pythonTuf } from '../support/environments.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';
import { tufSources } from '../support/tuf-sources.ts';

// python-tuf's own tests of its Updater, with `verbatim client` in its place, against python-tuf's simulated repository.

const run = promisify(execFile);
const SHIM = fileURLToPath(new URL('python-tuf-updater.py', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

const bin = await pythonTuf();
const sources = await tufSources();

const NO_SETTING = 'The limit is no option of the client.';
const OWN_TARGET = 'What a target is, only the signed metadata says: the test hands in a target of its own.';
const INNER = 'The test replaces or reads a part inside python-tuf.';
const OPENED = 'The test counts the files that python opens; the client is another process.';

const MODULES = [
  'test_updater_consistent_snapshot',
  'test_updater_delegation_graphs',
  'test_updater_fetch_target',
  'test_updater_key_rotations',
  'test_updater_ng',
  'test_updater_top_level_update',
  'test_updater_validation',
];

/** By module, the tests and cases that do not pass, and why that is meant so. */
const DIFFERENT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  test_updater_consistent_snapshot: {
    "TestConsistentSnapshot.test_download_targets (case='consistent_snaphot enabled without prefixed targets')":
      'Where snapshots are consistent, targets are asked for by their digests (TUF §5.7.3), and no option changes that.',
  },
  test_updater_delegation_graphs: {
    "TestDelegationsGraphs.test_graph_traversal (case='max number of delegations')": NO_SETTING,
  },
  test_updater_ng: {
    'TestUpdater.test_both_target_urls_not_set': 'Without an address for targets they are sought beside the metadata.',
    'TestUpdater.test_invalid_target_base_url': OWN_TARGET,
    'TestUpdater.test_length_hash_mismatch': OWN_TARGET,
    'TestUpdater.test_non_existing_target_file': OWN_TARGET,
    'TestUpdater.test_persist_metadata_fails': INNER,
    'TestUpdater.test_update_root_symlink_oserror_fallback': INNER,
    'TestUpdater.test_user_agent': INNER,
  },
  test_updater_top_level_update: {
    'TestRefresh.test_cached_root_missing_without_bootstrap': 'The directory is made, since the lock lies in it.',
    'TestRefresh.test_intermediate_root_cache': OPENED,
    'TestRefresh.test_intermediate_root_cache_poisoning':
      'The newest root is what is trusted; those before it are kept and never read again.',
    'TestRefresh.test_load_metadata_from_cache': OPENED,
    'TestRefresh.test_max_metadata_lengths': NO_SETTING,
    'TestRefresh.test_max_root_rotations': NO_SETTING,
    'TestRefresh.test_not_loading_targets_twice': OPENED,
  },
  test_updater_validation: {
    'TestUpdater.test_non_existing_metadata_dir': 'The directory is made, since the lock lies in it.',
  },
};

const parts = bin === undefined || sources === undefined ? undefined : { bin, sources };

describe.runIf(requirePart('python-tuf with its tests', parts))('verbatim client under the tests of python-tuf', () => {
  it('all modules of tests of the updater are run', async () => {
    const names = await readdir(join(sources ?? '', 'tests'));
    const modules = names.filter((name) => /^test_updater_.*\.py$/.test(name)).map((name) => name.slice(0, -3));
    expect(modules.sort()).toEqual([...MODULES].sort());
  });

  it.each(MODULES)('%s: what does not pass is what differs on purpose', { timeout: 600_000 }, async (module) => {
    const outcomes = await outcomesOf(module);
    const failed = Object.entries(outcomes).filter(([, wrong]) => wrong !== null);
    expect(Object.keys(outcomes).length).toBeGreaterThan(failed.length);
    expect(failed.map(([name]) => name).sort(), JSON.stringify(Object.fromEntries(failed), null, 2)).toEqual(
      Object.keys(DIFFERENT[module] ?? {}).sort(),
    );
  });
});

/** For each test, or each of its cases, what went wrong. */
async function outcomesOf(module: string): Promise<Readonly<Record<string, string | null>>> {
  const env = clientEnvironment();
  // The other tests of the client say what they cover; hundreds of processes would each write it again.
  delete env['NODE_V8_COVERAGE'];
  const { stdout } = await run(join(bin ?? '', 'python'), [SHIM, sources ?? '', process.execPath, MAIN, module], {
    env,
  });
  return JSON.parse(stdout) as Readonly<Record<string, string | null>>;
}
