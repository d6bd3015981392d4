import type { Caller } from '../../async/caller.ts';
import { sha256Hex } from '../../bytes/digest.ts';
import { existing } from '../../bytes/existing.ts';
import { lend } from '../../bytes/proof.ts';
import type { SignedRepository } from '../../mirror/package-index.ts';
import type { TrustStore } from '../../ports/trust/trust-store.ts';
import type { Signed } from '../../tuf/model.ts';
import type { Verified } from '../../tuf/verified.ts';
import type { Entry, Kind } from '../format/model.ts';
import type { HeldItem } from './held.ts';

const SUFFIX = '.json';

/** The chain of roots, one generation, and the delegated roles of it that are held. */
export async function* heldMetadata(
  signed: SignedRepository,
  trust: Pick<TrustStore, 'root' | 'delegated'>,
  caller: Caller,
): AsyncGenerator<HeldItem, void, undefined> {
  const document = async (name: string) => (await signed.metadata(name, caller)).document;
  const root = await document('root.json');
  yield* roots(root, trust);
  const timestamp = await document('timestamp.json');
  yield ofRole('timestamp', timestamp);
  const snapshot = await document(`${snapshotVersion(timestamp.signed)}.snapshot.json`);
  yield ofRole('snapshot', snapshot);
  const { meta } = existing(snapshot.signed.type === 'snapshot' ? snapshot.signed : undefined, 'this is no snapshot');
  // By name, as a manifest has them: `targets` among its delegated roles.
  const roles = [...meta].map(([name, { version }]) => ({
    name: name.slice(0, -SUFFIX.length),
    version,
  }));
  roles.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, version } of roles)
    if (name === 'targets') yield ofRole('targets', await document(`${version}.targets.json`), name);
    else {
      const bytes = await trust.delegated(name, version);
      if (bytes !== undefined) yield ofBytes({ kind: 'targets', name, version }, bytes);
    }
}

/** As far back as they are kept. The far side pins one of them. */
async function* roots(newest: Verified<Signed>, trust: Pick<TrustStore, 'root'>): AsyncGenerator<HeldItem> {
  const older: HeldItem[] = [];
  for (let version = newest.signed.version - 1; version >= 1; version--) {
    const bytes = await trust.root(version);
    if (bytes === undefined) break;
    older.unshift(ofBytes({ kind: 'root', version }, bytes));
  }
  yield* older;
  yield ofRole('root', newest);
}

function snapshotVersion(timestamp: Signed): number {
  return existing(timestamp.type === 'timestamp' ? timestamp : undefined, 'this is no timestamp').snapshot.version;
}

function ofRole(kind: Kind, { signed, bytes }: Verified<Signed>, name?: string): HeldItem {
  return ofBytes({ kind, ...(name === undefined ? {} : { name }), version: signed.version }, lend(bytes));
}

function ofBytes(named: Pick<Entry, 'kind' | 'name' | 'version'>, bytes: Uint8Array): HeldItem {
  return { entry: { ...named, size: bytes.byteLength, sha256: sha256Hex(bytes) }, content: async () => bytes };
}
