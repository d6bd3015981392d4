import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import type { GivenFile } from '../../bundle/import/opened.ts';
import { Refusal } from '../../bytes/refusal.ts';

/** A pipe that nobody writes to is no reason to wait: it is no file. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** Files of the operator's, open for reading. */
export interface OpenedFiles {
  readonly files: readonly GivenFile[];
  close(): Promise<void>;
}

/** Opens each once: whatever is put under its name later, this is what is read. Throws Refusal `format` for what is no file. */
export async function openGiven(paths: readonly string[]): Promise<OpenedFiles> {
  const handles: FileHandle[] = [];
  const close = async () => {
    for (const handle of handles) await handle.close();
  };
  try {
    const files: GivenFile[] = [];
    for (const path of new Set(paths)) {
      const handle = await open(path, READ).catch((cause: unknown) => {
        throw unreadable(path, cause);
      });
      handles.push(handle);
      const stats = await handle.stat();
      if (!stats.isFile()) throw unreadable(path, new Error('it is no regular file'));
      files.push({ name: basename(path), bytes: bytesOf(handle, stats.size) });
    }
    return { files, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function bytesOf(handle: FileHandle, size: number): GivenFile['bytes'] {
  return {
    size,
    async read(into, position) {
      let done = 0;
      while (done < into.byteLength) {
        const { bytesRead } = await handle.read(into, done, into.byteLength - done, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return done;
    },
  };
}

function unreadable(path: string, cause: unknown): Refusal {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Refusal('format', `${path} cannot be read: ${why}.`, { subject: 'request', cause });
}
