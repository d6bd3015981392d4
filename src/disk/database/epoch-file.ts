import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import { createDurable, type Durable } from '../durable.ts';
import { codeOf, type FileOps } from '../file-ops.ts';
import { readSmall } from '../read-file.ts';
import type { EpochNotes } from './epochs.ts';
import { openDatabase } from './sqlite.ts';

const EPOCH_FILE_BYTES = 1024 * 1024;
const PRIVATE_FILE = 0o600;
const RETRY_MS = 10;
const PATIENCE_MS = 10_000;
const Stored = z.record(z.string(), z.int().positive());

/**
 * Epochs in a JSON file outside the data directory: a whole directory put back is noticed by it. The file is replaced under a
 * lock that ends with the process that holds it, so that of two processes neither undoes the other: SQLite's lock on an empty
 * file beside it.
 */
export class EpochFile implements EpochNotes {
  readonly #ops: FileOps;
  readonly #path: string;
  readonly #lock: string;
  readonly #durable: Durable;
  readonly #patienceMs: number;

  /** `patienceMs`: how long the lock is waited for. */
  constructor(ops: FileOps, path: string, patienceMs = PATIENCE_MS) {
    this.#ops = ops;
    this.#patienceMs = patienceMs;
    this.#path = resolve(path);
    const directory = dirname(this.#path);
    const name = basename(this.#path);
    this.#lock = join(directory, `.${name}.lock`);
    this.#durable = createDurable({ ops, root: directory, tempDirectory: join(directory, `.${name}.tmp`) });
  }

  async of(index: string): Promise<number> {
    return (await this.#read()).get(index) ?? 0;
  }

  async raise(index: string, epoch: number): Promise<void> {
    if ((await this.of(index)) >= epoch) return;
    try {
      await this.#locked(async () => {
        const known = await this.#read();
        if ((known.get(index) ?? 0) >= epoch) return;
        const next = Object.fromEntries(new Map([...known, [index, epoch]]));
        await this.#durable.replace(this.#path, Buffer.from(`${JSON.stringify(next)}\n`));
      });
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw refuse(
        `The seal epoch file ${this.#path} cannot be written; its directory has to exist and be writable.`,
        error,
      );
    }
  }

  async #read(): Promise<ReadonlyMap<string, number>> {
    const bytes = await readSmall(this.#ops, this.#path, EPOCH_FILE_BYTES).catch((error: unknown) => {
      throw refuse(`The seal epoch file ${this.#path} cannot be read.`, error);
    });
    if (bytes === undefined) return new Map();
    try {
      return new Map(Object.entries(Stored.parse(JSON.parse(bytes.toString('utf8')))));
    } catch (error) {
      throw refuse(
        `The seal epoch file ${this.#path} is damaged. Restore it, or remove it if you know why it is.`,
        error,
      );
    }
  }

  async #locked(run: () => Promise<void>): Promise<void> {
    if ((await this.#ops.facts(this.#lock)) === undefined) await this.#makeLock();
    const lock = openDatabase(this.#lock, { access: 'write', synchronous: 'FULL', waitMs: 0 });
    try {
      for (const from = performance.now(); ; await after(RETRY_MS))
        try {
          lock.exec('BEGIN IMMEDIATE');
          break;
        } catch (error) {
          if (performance.now() - from > this.#patienceMs) throw error;
        }
      await run();
    } finally {
      lock.close();
    }
  }

  async #makeLock(): Promise<void> {
    try {
      await (await this.#ops.openNew(this.#lock, PRIVATE_FILE)).close();
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

function refuse(message: string, cause: unknown): Refusal {
  return new Refusal('state', message, { subject: 'state', cause });
}
