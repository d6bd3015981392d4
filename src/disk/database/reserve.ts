import { join } from 'node:path';
import { Refusal } from '../../bytes/refusal.ts';
import { type Durable, writeAll } from '../durable.ts';

/** Room that is given back where a start meets a full disk: SQLite needs some even to read. */
const RESERVE_BYTES = 1024 * 1024;
const PRIVATE_FILE = 0o600;

/** Runs what opens databases; where there is no room for that, the reserve is given up, and it runs once more. */
export async function withReserve<T>(durable: Durable, root: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof Refusal && error.reason === 'limit' && error.transient)) throw error;
    try {
      await durable.ops.unlink(reservePath(root));
    } catch {
      // It was given up before: there is no room to be had.
      throw error;
    }
    return open();
  }
}

/** Keeps room for the next start, where there is room. */
export async function keepReserve(durable: Durable, root: string): Promise<void> {
  const path = reservePath(root);
  try {
    if ((await durable.ops.facts(path))?.size === RESERVE_BYTES) return;
    const temp = await durable.temp(PRIVATE_FILE);
    try {
      await writeAll(temp.file, Buffer.alloc(RESERVE_BYTES), 0);
      await temp.commit(path);
    } finally {
      await temp.discard();
    }
  } catch {
    // A disk without room for it now may have some at the next start.
  }
}

function reservePath(root: string): string {
  return join(root, 'reserve');
}
