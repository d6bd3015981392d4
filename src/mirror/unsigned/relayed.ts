import { type Algorithm, sha256Hex } from '../../bytes/digest.ts';
import type { RelayedDocuments, RelayedName, RelayedPlace } from '../../ports/blobs.ts';

/** Most bytes of one that is kept. PyPI's have some ten kilobytes. */
const RELAYED_BYTES = 4 * 1024 * 1024;

/** Which of a file's digests names it: the first that is stated. */
const NAMED_BY: readonly Algorithm[] = ['sha256', 'sha512', 'sha384', 'blake2b-256'];
/** Under what a name is found among the aliases: the SHA-256 of such a name is no file's BLAKE2b. */
const BY_NAME: Algorithm = 'blake2b-256';

/** Documents of one index among the cached files, each found by the digest of the file that it is of. */
export function relayedDocuments(index: string, { storage, content, stage }: RelayedPlace): RelayedDocuments {
  const stored = async (name: RelayedName) => {
    const key = keyOf(index, name);
    const sha256 = key && (await storage.alias(BY_NAME, key));
    const facts = sha256 === undefined ? undefined : await storage.stat(sha256);
    if (sha256 === undefined || facts === undefined || facts.size > RELAYED_BYTES) return undefined;
    return { sha256, size: facts.size };
  };
  return {
    stored,
    async read(name) {
      const kept = await stored(name);
      const blob = kept && (await content(kept));
      return blob?.bytes(RELAYED_BYTES);
    },
    async keep(name, bytes) {
      const key = keyOf(index, name);
      if (key === undefined || bytes.byteLength > RELAYED_BYTES) return;
      const sha256 = sha256Hex(bytes);
      await stage({ sha256, size: bytes.byteLength }, () => only(bytes));
      if ((await storage.alias(BY_NAME, key)) !== sha256) await storage.addAlias(BY_NAME, key, sha256);
    },
    async forget(name) {
      const key = keyOf(index, name);
      if (key !== undefined && (await storage.alias(BY_NAME, key)) !== undefined)
        await storage.removeAlias(BY_NAME, key);
    },
  };
}

/** Two indexes may say different things of one file. */
function keyOf(index: string, { kind, project, filename, digests }: RelayedName): string | undefined {
  const algorithm = NAMED_BY.find((each) => digests.has(each));
  if (algorithm === undefined) return undefined;
  const parts = ['verbatim relayed', index, kind, project, filename, algorithm, digests.get(algorithm)];
  return sha256Hex(Buffer.from(parts.join('\0')));
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
