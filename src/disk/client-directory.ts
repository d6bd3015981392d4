import { join } from 'node:path';
import { blockingFileOps } from './blocking-file-ops.ts';
import { createDurable, type Durable } from './durable.ts';
import { codeOf } from './file-ops.ts';
import { readSmall } from './read-file.ts';
import { isMissing } from './storage-errors.ts';

/** A directory in which every name is a document's plain name, escaped, and nothing else lies. */
export interface ClientDirectory {
  readonly durable: Durable;
  pathOf(name: string): string;
  read(name: string, limit: number): Promise<Uint8Array | undefined>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** As `write`, for what may be lost in a power cut: it comes back whole, empty or not at all. */
  writeSoon(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
}

/** The trusted metadata, or the targets, of `verbatim client`. The directory is made where it is missing. */
export async function openClientDirectory(directory: string): Promise<ClientDirectory> {
  await blockingFileOps.makeDirectory(directory).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  const durable = createDurable({ ops: blockingFileOps, root: directory, tempDirectory: directory });
  const pathOf = (name: string) => join(directory, escapeName(name));
  return {
    durable,
    pathOf,
    read: (name, limit) => readSmall(blockingFileOps, pathOf(name), limit),
    write: (name, bytes) => durable.replace(pathOf(name), bytes),
    writeSoon: (name, bytes) => durable.replaceSoon(pathOf(name), bytes),
    async remove(name) {
      try {
        await blockingFileOps.unlink(pathOf(name));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    },
  };
}

/** One path segment, whatever the name holds: everything but letters, digits and `_.-~` as %XX, and no name of dots alone. */
function escapeName(name: string): string {
  const escaped = encodeURIComponent(name).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return /^\.+$/.test(escaped) ? escaped.replaceAll('.', '%2E') : escaped;
}
