import { Mutex } from '../async/mutex.ts';
import type { BlobPaths } from '../disk/blob-paths.ts';
import type { FileOps } from '../disk/file-ops.ts';
import { isMissing } from '../disk/storage-errors.ts';
import type { Shelf } from './usage-order.ts';

/** Removes what was least recently used until the limit holds again; never what is being sent or kept. */
export interface Evictor {
  /** `room`: bytes that are wanted besides what is held. `newest` stays: it was filled for somebody who waits. */
  run(options?: { readonly room?: number; readonly newest?: string }): Promise<number>;
}

export function createEvictor(deps: {
  readonly ops: FileOps;
  readonly paths: BlobPaths;
  readonly shelf: Shelf;
  readonly isSending: (sha256: string) => boolean;
  readonly forget: (sha256: string) => void;
}): Evictor {
  const { ops, paths, shelf } = deps;
  const mutex = new Mutex();

  const evict = async (room: number, newest: string | undefined): Promise<number> => {
    let freed = 0;
    for (;;) {
      const victim = shelf.victim((sha256) => sha256 === newest || deps.isSending(sha256), room);
      if (victim === undefined) return freed;
      shelf.removed(victim.sha256);
      deps.forget(victim.sha256);
      try {
        await ops.unlink(paths.blob(victim.sha256));
        freed += victim.size;
      } catch (error) {
        if (isMissing(error)) continue;
        // A disk that cannot even remove: what is there stays counted, and the next fill tries again.
        shelf.found(victim.sha256, victim.size, victim.place);
        return freed;
      }
    }
  };

  return {
    run: ({ room = 0, newest } = {}) => mutex.run('', () => evict(room, newest)),
  };
}
