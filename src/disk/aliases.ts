import { join } from 'node:path';
import { type Algorithm, isAlgorithm, isDigest } from '../bytes/digest.ts';
import type { BlobPaths } from './blob-paths.ts';
import type { Durable } from './durable.ts';
import { readSmall } from './read-file.ts';
import { isMissing } from './storage-errors.ts';
import { listOrNothing } from './walk.ts';

const ALIAS_BYTES = 64;

/** Small files under other digests, each with the sha256 that it leads to. What is not such a file leads nowhere. */
export interface Aliases {
  find(algorithm: Algorithm, hex: string): Promise<string | undefined>;
  add(algorithm: Algorithm, hex: string, sha256: string): Promise<void>;
  remove(algorithm: Algorithm, hex: string): Promise<void>;
  list(): AsyncIterable<{ readonly algorithm: Algorithm; readonly hex: string; readonly sha256: string | undefined }>;
}

export function createAliases(durable: Durable, paths: BlobPaths): Aliases {
  const { ops } = durable;
  const find = async (algorithm: Algorithm, hex: string): Promise<string | undefined> => {
    const bytes = await readSmall(ops, paths.alias(algorithm, hex), ALIAS_BYTES).catch(() => undefined);
    const sha256 = bytes?.toString('latin1');
    return sha256 !== undefined && isDigest('sha256', sha256) ? sha256 : undefined;
  };
  return {
    find,
    add: (algorithm, hex, sha256) => durable.replaceSoon(paths.alias(algorithm, hex), Buffer.from(sha256, 'latin1')),
    async remove(algorithm, hex) {
      try {
        await ops.unlink(paths.alias(algorithm, hex));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },
    async *list() {
      for (const algorithm of await listOrNothing(ops, paths.aliases)) {
        if (!isAlgorithm(algorithm)) continue;
        for (const prefix of await listOrNothing(ops, join(paths.aliases, algorithm)))
          for (const name of await listOrNothing(ops, join(paths.aliases, algorithm, prefix))) {
            const hex = prefix + name;
            if (isDigest(algorithm, hex)) yield { algorithm, hex, sha256: await find(algorithm, hex) };
          }
      }
    },
  };
}
