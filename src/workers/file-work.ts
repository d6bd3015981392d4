import { createGate } from '../async/gate.ts';
import { type FileWork, inspectedOf } from '../ports/file-work.ts';
import { createLane, type LaneOptions } from './lane.ts';
import { FILES_AT_ONCE, FILES_WAITING } from './limits.ts';

/** Files are inspected on a thread of their own, piece by piece: no page waits for one of gigabytes, nor does a small file. */
export function createFileWork(options: LaneOptions = {}): FileWork & { close(): Promise<void> } {
  const full = 'Too many files are being looked into already. Try again in a moment.';
  const gate = createGate({ places: FILES_AT_ONCE, queue: FILES_WAITING, full });
  const lane = createLane(gate, { ...options, atOnce: FILES_AT_ONCE, waiting: FILES_WAITING, full });
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
