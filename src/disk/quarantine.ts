import { join } from 'node:path';
import type { Durable } from './durable.ts';
import { QUARANTINED, QUARANTINED_BYTES } from './limits.ts';
import { isMissing } from './storage-errors.ts';

/** Sets things aside as evidence, so that the next request fills again; the oldest evidence makes room. */
export interface Quarantine {
  /** True where it was moved (or was gone already). */
  take(path: string, sha256: string): Promise<boolean>;
}

export function createQuarantine(durable: Durable, directory: string, nowMs: () => number): Quarantine {
  let count = 0;
  /** Newest first, until there are too many or they are too large together. */
  const prune = async () => {
    let bytes = 0;
    for (const [at, name] of [...(await durable.ops.list(directory))].sort().reverse().entries()) {
      const path = join(directory, name);
      bytes += (await durable.ops.facts(path))?.size ?? 0;
      if (at >= QUARANTINED || bytes > QUARANTINED_BYTES) await durable.ops.removeTree(path);
    }
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
