import type { Instant } from '../bytes/instant.ts';
import { lend } from '../bytes/proof.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type ClientDirectory, openClientDirectory } from '../disk/client-directory.ts';
import { acceptDelegated, metaOf, startFrom } from '../tuf/accept.ts';
import { LIMITS } from '../tuf/limits.ts';
import type { Delegation, Targets } from '../tuf/model.ts';
import { type MetadataSource, refresh, type Trusted, versionIn, within } from '../tuf/refresh.ts';
import { runToEnd, type Sliced } from '../tuf/sliced.ts';
import type { AtRoot, Generation } from '../tuf/stages.ts';
import { openFloor, openTargets, type Survivors } from '../tuf/stored.ts';
import type { Verified } from '../tuf/verified.ts';

/** The trusted metadata of one directory: the files are the floors, there is nothing else. */
export interface ClientTrust {
  /** TUF §5.3 to §5.6.6; each document is on disk before the next is asked for. */
  refresh(source: MetadataSource): Promise<Generation>;
  /** A delegated role: the file held where it still proves, else upstream's. */
  role(generation: Generation, by: Delegation, source: MetadataSource): Promise<Verified<Targets>>;
}

/** Makes a directory trust a root and nothing else. Throws where the root is not signed by its own keys. */
export async function initTrust(directory: string, root: Uint8Array, now: Instant): Promise<void> {
  runToEnd(startFrom(root, now));
  const held = await openClientDirectory(directory);
  await held.write('root.json', root);
}

/** Throws `state` before any request where the directory holds no valid root. */
export async function openTrust(directory: string, now: Instant): Promise<ClientTrust> {
  const held = await openClientDirectory(directory);
  const root = await held.read('root.json', LIMITS.root);
  if (root === undefined)
    throw new Refusal(
      'state',
      `${directory} holds no root.json. Run "verbatim client --metadata-dir ${directory} init ROOT.json" first.`,
      { subject: 'root' },
    );
  const at = runToEnd(startFrom(root, now));
  return {
    async refresh(source) {
      const trusted = await restore(held, at);
      const { timestamp, snapshot } = trusted.survivors;
      return refresh(trusted, source, runToEnd, {
        async root(next, forget) {
          await held.write('root.json', lend(next.bytes));
          // TUF §5.3.11: rotated keys take back what they vouched for.
          if (forget) for (const name of ['timestamp.json', 'snapshot.json']) await held.remove(name);
        },
        timestamp: async (next) => (next === timestamp ? undefined : held.write('timestamp.json', lend(next.bytes))),
        snapshot: async (next) => (next === snapshot ? undefined : held.write('snapshot.json', lend(next.bytes))),
        targets: async (next) => (next === trusted.targets ? undefined : held.write('targets.json', lend(next.bytes))),
      });
    },
    async role(generation, by, source) {
      const { version, length } = metaOf(generation, by.name);
      const name = `${by.name}.json`;
      const before = await held.read(name, LIMITS.targets);
      const kept = before === undefined ? undefined : attempt(acceptDelegated(generation, by, before));
      if (kept !== undefined) return kept;
      const bytes = await source.read({
        role: by.name,
        version: versionIn(generation, version),
        limit: within(length, LIMITS.targets, 'delegated'),
      });
      if (bytes === undefined)
        throw new Refusal('unreachable', `The role ${by.name} is not where it should be.`, { subject: 'delegated' });
      const role = runToEnd(acceptDelegated(generation, by, bytes));
      await held.write(name, lend(role.bytes));
      return role;
    },
  };
}

/** What an earlier run left. A file that does not prove under the root held is as good as absent. */
async function restore(held: ClientDirectory, at: AtRoot): Promise<Trusted> {
  const timestamp = await held.read('timestamp.json', LIMITS.timestamp);
  const snapshot = await held.read('snapshot.json', LIMITS.snapshot);
  const targets = await held.read('targets.json', LIMITS.targets);
  const survivors: Survivors = {
    timestamp: attempt(openFloor(at, { timestamp }))?.timestamp,
    snapshot: attempt(openFloor(at, { snapshot }))?.snapshot,
  };
  return {
    at,
    survivors,
    targets: targets === undefined ? undefined : attempt(openTargets(at, targets)),
  };
}

function attempt<T>(work: Sliced<T>): T | undefined {
  try {
    return runToEnd(work);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
