import { join } from 'node:path';
import { sha256Hex } from '../../bytes/digest.ts';
import { readSmall } from '../../disk/read-file.ts';
import type { Volume } from '../../disk/volume.ts';
import { DOCUMENT_BYTES, PRUNE_AT_ONCE, RECENT_S } from './limits.ts';

/** Delegated roles by name and version; a role's name is upstream's to choose, so it is a directory only by its hash. */
export interface DelegatedFiles {
  /** Undefined where it is not there or cannot be read: it can be fetched again, and the snapshot says which version. */
  read(role: string, version: number): Promise<Uint8Array | undefined>;
  keep(role: string, version: number, bytes: Uint8Array): Promise<void>;
}

export function createDelegatedFiles({ durable, ops }: Volume, directory: string): DelegatedFiles {
  const folder = (role: string) => join(directory, sha256Hex(Buffer.from(role)));
  const path = (role: string, version: number) => join(folder(role), `${version}.json`);

  /** A version goes an hour after the one that followed it came. */
  const prune = async (role: string) => {
    const files: { readonly at: string; readonly keptMs: number }[] = [];
    for (const name of await ops.list(folder(role))) {
      const at = join(folder(role), name);
      const facts = await ops.facts(at);
      if (facts !== undefined) files.push({ at, keptMs: facts.changedMs });
    }
    files.sort((a, b) => a.keptMs - b.keptMs);
    const before = Date.now() - RECENT_S * 1000;
    const superseded = files.filter((_, at) => (files[at + 1]?.keptMs ?? Number.POSITIVE_INFINITY) < before);
    for (const { at } of superseded.slice(0, PRUNE_AT_ONCE)) await ops.unlink(at);
  };

  return {
    read: (role, version) => readSmall(ops, path(role, version), DOCUMENT_BYTES).catch(() => undefined),
    async keep(role, version, bytes) {
      const there = await readSmall(ops, path(role, version), DOCUMENT_BYTES).catch(() => undefined);
      if (there?.equals(bytes)) return;
      await durable.replace(path(role, version), bytes);
      await prune(role).catch(() => undefined);
    },
  };
}
