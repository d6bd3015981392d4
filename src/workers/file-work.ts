import { type CommonShares, createShares } from '../async/shares.ts';
import { type FileWork, inspectedOf } from '../ports/file-work.ts';
import { createLane, type LaneOptions } from './lane.ts';

export interface FileWorkOptions extends LaneOptions {
  readonly shares?: Pick<CommonShares, 'threads'>;
}

/** Files are inspected on a thread of their own, one at a time: no page waits for one of gigabytes. */
export function createFileWork(options: FileWorkOptions = {}): FileWork & { close(): Promise<void> } {
  const { shares: { threads } = createShares() } = options;
  const lane = createLane(threads, { ...options, atOnce: 1 });
  let documents = 0;

  return {
    async inspect(file, caller) {
      const inspected = await inspectedOf(file, caller);
      await lane.run(caller, async (call) => {
        const document = documents++;
        try {
          await call('inspect', { document, file: inspected });
          const feed = async (chunk: Uint8Array) => {
            // The chunk's memory is the store's.
            const bytes = Uint8Array.from(chunk);
            await call('feed', { document, bytes }, [bytes.buffer]);
          };
          await file.read({ start: 0, end: file.size }, feed, caller);
          await call('inspected', { document });
        } finally {
          call('close', { document }).catch(() => undefined);
        }
      });
    },
    close: () => lane.close(),
  };
}
