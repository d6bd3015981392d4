import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Mutex } from '../../async/mutex.ts';
import { Refusal } from '../../bytes/refusal.ts';
import { createDurable } from '../../disk/durable.ts';
import type { FileOps } from '../../disk/file-ops.ts';
import { readSmall } from '../../disk/read-file.ts';

const EPOCH_FILE_BYTES = 1024 * 1024;
const Stored = z.record(z.string(), z.int().positive());

/** The number each index's census had last, kept outside the data directory: a whole directory put back is noticed by it. */
export interface Epochs {
  /** 0 for an index that is not in it. */
  of(index: string): Promise<number>;
  /** Durable when it resolves; never lowers. */
  raise(index: string, number: number): Promise<void>;
}

export function createEpochs(ops: FileOps, path: string): Epochs {
  const directory = dirname(path);
  const durable = createDurable({ ops, root: directory, tempDirectory: join(directory, `.${basename(path)}.tmp`) });
  const mutex = new Mutex();

  const read = async (): Promise<ReadonlyMap<string, number>> => {
    const bytes = await readSmall(ops, path, EPOCH_FILE_BYTES).catch((error: unknown) => {
      throw refuse(`The seal epoch file ${path} cannot be read.`, error);
    });
    if (bytes === undefined) return new Map();
    try {
      return new Map(Object.entries(Stored.parse(JSON.parse(bytes.toString('utf8')))));
    } catch (error) {
      throw refuse(`The seal epoch file ${path} is damaged. Restore it, or remove it if you know why it is.`, error);
    }
  };

  return {
    of: async (index) => (await read()).get(index) ?? 0,
    raise: (index, number) =>
      mutex.run('', async () => {
        const known = await read();
        if ((known.get(index) ?? 0) >= number) return;
        const next = Object.fromEntries(new Map([...known, [index, number]]));
        await durable.replace(path, Buffer.from(`${JSON.stringify(next)}\n`)).catch((error: unknown) => {
          throw refuse(
            `The seal epoch file ${path} cannot be written; its directory has to exist and be writable.`,
            error,
          );
        });
      }),
  };
}

function refuse(message: string, cause: unknown): Refusal {
  return new Refusal('state', message, { subject: 'state', cause });
}
