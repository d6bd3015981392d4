import { join } from 'node:path';
import { z } from 'zod';
import { sha256Hex } from '../../bytes/digest.ts';
import { readSmall } from '../../disk/read-file.ts';
import { isMissing, onStateDisk } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import type { Publication, PublishedTrust, StoredTrust, TrustStore } from '../../ports/index-state.ts';
import { createDelegatedFiles } from './delegated.ts';
import { indexDirectory } from './index-directory.ts';
import { DOCUMENT_BYTES, RECENT_MOST, RECENT_S } from './limits.ts';
import { createNumbered, unreadable } from './numbered.ts';
import { pruneOld } from './prune.ts';
import { createTimestampFloor } from './timestamp-floor.ts';

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Version = z.int().positive();
const Listed = z.strictObject({ version: Version, sha256: Sha256 });
const Pointer = z.strictObject({
  rootVersion: Version,
  acceptedAt: z.int(),
  timestamp: Sha256,
  snapshot: Listed,
  targets: Listed,
  /** Replaced, and still asked for by clients in the middle of a walk. */
  recent: z.array(
    z.strictObject({ role: z.enum(['snapshot', 'targets']), version: Version, sha256: Sha256, until: z.int() }),
  ),
});
type Pointer = z.infer<typeof Pointer>;

const ROOT_NAME = /^([1-9][0-9]{0,14})\.json$/;
/** A load that overlaps publications starts again; each time another process made progress. */
const LOAD_AGAIN = 20;

function nameOf(number: number, id: string): string {
  return `${number}-${id}`;
}

function referenced(pointer: Pointer): ReadonlySet<string> {
  return new Set([
    pointer.timestamp,
    pointer.snapshot.sha256,
    pointer.targets.sha256,
    ...pointer.recent.map(({ sha256 }) => sha256),
  ]);
}

/** One index's trust on disk: roots for ever, documents by their digest, and a pointer that makes a set of them current. */
export function createTrustStore(volume: Volume, index: string): TrustStore {
  const { durable, ops } = volume;
  const directory = join(indexDirectory(volume, index), 'tuf');
  const documents = join(directory, 'documents');
  const roots = join(directory, 'roots');
  const what = `the trust that index ${index} has come to`;
  const census = volume.census(index);
  const numbered = createNumbered(durable, join(directory, 'current'), what, census?.guard('tuf/current'));
  const delegated = createDelegatedFiles(volume, join(directory, 'delegated'));
  const floor = createTimestampFloor(durable, join(directory, 'floor'), what, census?.guard('tuf/floor'));
  const documentPath = (sha256: string) => join(documents, `${sha256}.json`);
  const rootPath = (version: number) => join(roots, `${version}.json`);

  const readPointer = async () => {
    const found = await numbered.read();
    if (found === undefined) return undefined;
    const parsed = Pointer.safeParse(found.state);
    if (!parsed.success) throw unreadable(join(directory, 'current'), what, parsed.error);
    return { number: found.number, id: nameOf(found.number, found.id), pointer: parsed.data };
  };
  const read = async (path: string, limit: number): Promise<Buffer | undefined> =>
    readSmall(ops, path, limit).catch((error: unknown) => {
      throw unreadable(path, what, error);
    });
  const readDocument = async (sha256: string): Promise<Buffer | undefined> => {
    const bytes = await read(documentPath(sha256), DOCUMENT_BYTES);
    if (bytes !== undefined && sha256Hex(bytes) !== sha256) throw unreadable(documentPath(sha256), what);
    return bytes;
  };
  const writeDocument = async (bytes: Uint8Array, known: ReadonlySet<string>): Promise<string> => {
    const sha256 = sha256Hex(bytes);
    // Only what the pointer being replaced holds on to is safe from another process's pruning; anything else is made new.
    if (known.has(sha256) && (await readDocument(sha256).catch(() => undefined)) !== undefined) return sha256;
    await durable.replace(documentPath(sha256), bytes);
    return sha256;
  };

  const readRoots = async (): Promise<ReadonlyMap<number, Uint8Array>> => {
    const names = await ops.list(roots).catch((error: unknown): readonly string[] => {
      if (isMissing(error)) return [];
      throw unreadable(roots, what, error);
    });
    const versions = names.flatMap((name) => ROOT_NAME.exec(name)?.[1] ?? []).map(Number);
    const found = new Map<number, Uint8Array>();
    for (const version of versions.sort((a, b) => a - b)) {
      const bytes = await read(rootPath(version), DOCUMENT_BYTES);
      if (bytes !== undefined) found.set(version, bytes);
    }
    return found;
  };

  const load = async (): Promise<StoredTrust | undefined> => {
    for (let again = 0; ; again++) {
      const current = await readPointer();
      if (current === undefined) return undefined;
      const { pointer, id } = current;
      const [timestamp, snapshot, targets] = [
        await readDocument(pointer.timestamp),
        await readDocument(pointer.snapshot.sha256),
        await readDocument(pointer.targets.sha256),
      ];
      if (timestamp !== undefined && snapshot !== undefined && targets !== undefined)
        return {
          current: id,
          roots: await readRoots(),
          rootVersion: pointer.rootVersion,
          timestamp,
          snapshot,
          targets,
          acceptedAt: pointer.acceptedAt,
        };
      // Gone because another process published and pruned, or gone for good?
      if ((await readPointer())?.id === id || again === LOAD_AGAIN) throw unreadable(documents, what);
    }
  };

  const publish = async (next: PublishedTrust, replaces: string | undefined): Promise<Publication> => {
    const before = await readPointer();
    if (before?.id !== replaces) return { result: 'superseded' };
    const known = before === undefined ? new Set<string>() : referenced(before.pointer);
    // Children first (PEP 458 "Producing Consistent Snapshots"): each is durable before the pointer names it.
    const targets = { version: next.targetsVersion, sha256: await writeDocument(next.targets, known) };
    const snapshot = { version: next.snapshotVersion, sha256: await writeDocument(next.snapshot, known) };
    const timestamp = await writeDocument(next.timestamp, known);
    const until = next.acceptedAt + RECENT_S;
    const replaced =
      before === undefined
        ? []
        : [
            { role: 'snapshot' as const, ...before.pointer.snapshot, until },
            { role: 'targets' as const, ...before.pointer.targets, until },
          ];
    const recent = [...replaced, ...(before?.pointer.recent ?? [])]
      .filter(
        (entry) => entry.until > next.acceptedAt && entry.sha256 !== snapshot.sha256 && entry.sha256 !== targets.sha256,
      )
      .slice(0, RECENT_MOST);
    const pointer: Pointer = {
      rootVersion: next.rootVersion,
      acceptedAt: next.acceptedAt,
      timestamp,
      snapshot,
      targets,
      recent,
    };
    const number = before?.number ?? 0;
    const id = await numbered.follow(number, pointer);
    if (id === undefined) return { result: 'superseded' };
    const kept = referenced(pointer);
    await pruneOld(ops, documents, (name) => kept.has(name.replace(/\.json$/, '')));
    return { result: 'published', current: nameOf(number + 1, id) };
  };

  return {
    load: onStateDisk(load),
    keepRoot: onStateDisk(async (version: number, bytes: Uint8Array) => {
      const path = rootPath(version);
      const there = await readSmall(ops, path, DOCUMENT_BYTES).catch(() => undefined);
      if (there === undefined || !there.equals(bytes)) await durable.replace(path, bytes);
    }),
    root: (version) => read(rootPath(version), DOCUMENT_BYTES),
    keepTimestamp: onStateDisk(floor.keep),
    timestamp: onStateDisk(floor.read),
    publish: onStateDisk(publish),
    delegated: delegated.read,
    keepDelegated: onStateDisk(delegated.keep),
    async recent(role, version) {
      const current = await readPointer();
      if (current === undefined) return undefined;
      const { pointer } = current;
      const found =
        pointer[role].version === version
          ? pointer[role]
          : pointer.recent.find((entry) => entry.role === role && entry.version === version);
      return found && readDocument(found.sha256);
    },
  };
}
