import type { DatabaseThread } from './database-thread.ts';

let databases = 0;

/** A database in the writing thread: opened there when it is first written to, and again after the thread was started again. */
export class WriterHandle {
  /** What the thread knows it by. */
  readonly database = databases++;
  readonly #thread: DatabaseThread;
  readonly #open: (database: number) => Promise<unknown>;
  #opening: { readonly session: object; readonly done: Promise<unknown> } | undefined;

  /** `open` checks the files, and has the thread open them. */
  constructor(thread: DatabaseThread, open: (database: number) => Promise<unknown>) {
    this.#thread = thread;
    this.#open = open;
  }

  /** The thread, with this database open in it. */
  async ready(): Promise<DatabaseThread> {
    const session = this.#thread.session();
    if (this.#opening?.session !== session) {
      const opening = { session, done: this.#open(this.database) };
      this.#opening = opening;
      opening.done.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    await this.#opening?.done;
    return this.#thread;
  }

  /** Does what was asked before, and lets the file go. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    await opening.done.catch(() => undefined);
    if (this.#thread.isRunning(opening.session)) await this.#thread.call('close', { database: this.database });
  }
}
