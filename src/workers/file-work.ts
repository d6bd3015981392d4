import { type CommonShares, createShares } from '../async/shares.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type FileWork, inspectedOf } from '../ports/file-work.ts';
import { createLane, type LaneOptions } from './lane.ts';

export interface FileWorkOptions extends LaneOptions {
  readonly shares?: Pick<CommonShares, 'inspections'>;
}

/** Files are inspected on threads of their own, piece by piece: no page waits for one of gigabytes, nor does a small file. */
export function createFileWork(options: FileWorkOptions = {}): FileWork & { close(): Promise<void> } {
  const { shares = createShares() } = options;
  const lane = createLane(shares.inspections, options);
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
    async startupFiles(wheel, caller) {
      const { filename, directory } = await inspectedOf(wheel, caller);
      if (directory === undefined) throw new Refusal('format', `${filename} is no zip.`, { subject: 'file' });
      return lane.run(caller, (call) => call('startupFiles', { directory }));
    },
    close: () => lane.close(),
  };
}
