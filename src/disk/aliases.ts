import { type Digests, isDigest } from '../bytes/digest.ts';
import type { BlobPaths } from './blob-paths.ts';
import type { Durable } from './durable.ts';
import { peekSmall, readSmall } from './read-file.ts';

const ALIAS_BYTES = 64;

/** Digests other than sha256 lead to a blob's name; never more than a hint, because what they lead to is proved again. */
export interface Aliases {
  /** The sha256 that the first alias found names. */
  find(digests: Digests): Promise<string | undefined>;
  /** The same without waiting, for a hint. */
  peek(digests: Digests): string | undefined;
  add(digests: Digests, sha256: string): Promise<void>;
}

export function createAliases(durable: Durable, paths: BlobPaths): Aliases {
  const others = (digests: Digests) => [...digests].filter(([algorithm]) => algorithm !== 'sha256');
  const read = (bytes: Buffer | undefined): string | undefined => {
    const hex = bytes?.toString('latin1');
    return hex !== undefined && isDigest('sha256', hex) ? hex : undefined;
  };
  return {
    async find(digests) {
      for (const [algorithm, hex] of others(digests)) {
        const found = read(
          await readSmall(durable.ops, paths.alias(algorithm, hex), ALIAS_BYTES).catch(() => undefined),
        );
        if (found !== undefined) return found;
      }
      return undefined;
    },
    peek(digests) {
      for (const [algorithm, hex] of others(digests)) {
        const found = read(peekSmall(paths.alias(algorithm, hex), ALIAS_BYTES));
        if (found !== undefined) return found;
      }
      return undefined;
    },
    async add(digests, sha256) {
      for (const [algorithm, hex] of others(digests)) {
        const path = paths.alias(algorithm, hex);
        const there = read(await readSmall(durable.ops, path, ALIAS_BYTES).catch(() => undefined));
        if (there !== sha256) await durable.replace(path, Buffer.from(sha256, 'latin1'));
      }
    },
  };
}
