import { join } from 'node:path';
import type { FileOps } from '../../disk/file-ops.ts';
import { PRUNE_AT_ONCE, RECENT_S } from './limits.ts';

/**
 * Removes files that nothing refers to and that are older than an hour: what is younger may be another process's
 * next publication. A failure costs space only, so it is left for the next time.
 */
export async function pruneOld(
  ops: FileOps,
  directory: string,
  isReferenced: (name: string) => boolean,
): Promise<void> {
  const before = Date.now() - RECENT_S * 1000;
  try {
    let removed = 0;
    for (const name of await ops.list(directory)) {
      if (isReferenced(name)) continue;
      const facts = await ops.facts(join(directory, name));
      if (facts === undefined || facts.changedMs > before) continue;
      await ops.unlink(join(directory, name));
      if (++removed === PRUNE_AT_ONCE) return;
    }
  } catch {
    // See above.
  }
}
