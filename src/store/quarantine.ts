import { join } from 'node:path';
import type { Durable } from './durable.ts';
import { QUARANTINED } from './limits.ts';
import { isMissing } from './storage-errors.ts';

/** Sets things aside as evidence, so that the next request fills again; the oldest evidence makes room. */
export interface Quarantine {
  /** True where it was moved (or was gone already). */
  take(path: string, sha256: string): Promise<boolean>;
}

export function createQuarantine(durable: Durable, directory: string, nowMs: () => number): Quarantine {
  let count = 0;
  const prune = async () => {
    const names = [...(await durable.ops.list(directory))].sort();
    for (const name of names.slice(0, Math.max(0, names.length - QUARANTINED)))
      await durable.ops.removeTree(join(directory, name));
  };
  return {
    async take(path, sha256) {
      try {
        // Names sort by time.
        const name = `${nowMs().toString().padStart(15, '0')}-${String(count++).padStart(6, '0')}-${sha256}`;
        await durable.moveAway(path, join(directory, name));
        await prune().catch(() => undefined);
        return true;
      } catch (error) {
        return isMissing(error);
      }
    },
  };
}
