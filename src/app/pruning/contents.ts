import type { Algorithm, Digests } from '../../bytes/digest.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { RelayedDocuments, RelayedName } from '../../ports/blobs.ts';
import type { OwnFile } from '../../pypi/listing.ts';

export interface ContentsPlace {
  readonly storage: Pick<BlobStorage, 'alias'>;
  readonly relayed: Pick<RelayedDocuments, 'stored'>;
}

type File = Pick<OwnFile['entry'], 'filename' | 'digests' | 'coreMetadata'>;

type RelayedKind = RelayedName['kind'];

const EVERY_KIND: readonly RelayedKind[] = ['signature', 'provenance'];

/** Every SHA-256 that a file of a page may lie under, or what belongs to it: its core metadata, and what was relayed of it. */
export async function* contentsOf(
  { storage, relayed }: ContentsPlace,
  project: string,
  { filename, digests, coreMetadata }: File,
  kinds = EVERY_KIND,
): AsyncGenerator<string, void, undefined> {
  yield* namedBy(storage, digests);
  if (coreMetadata instanceof Map) yield* namedBy(storage, coreMetadata);
  for (const kind of kinds) {
    const kept = await relayed.stored({ kind, project, filename, digests });
    if (kept !== undefined) yield kept.sha256;
  }
}

/** What a page says there is of a file, to be relayed. */
export function announcedOf({ gpgSig, provenance }: OwnFile['entry']): readonly RelayedKind[] {
  return EVERY_KIND.filter((kind) => (kind === 'signature' ? gpgSig === true : provenance !== undefined));
}

/** Every SHA-256 that these digests may lead to. */
export async function* namedBy(
  storage: ContentsPlace['storage'],
  digests: Digests | undefined,
): AsyncGenerator<string, void, undefined> {
  const direct = digests?.get('sha256');
  if (direct !== undefined) {
    yield direct;
    return;
  }
  for (const [algorithm, hex] of digests ?? new Map<Algorithm, string>()) {
    const sha256 = await storage.alias(algorithm, hex);
    if (sha256 !== undefined) yield sha256;
  }
}
