import { join } from 'node:path';
import type { Instant } from '../bytes/instant.ts';
import { lend } from '../bytes/proof.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type ClientDirectory, openClientDirectory } from '../disk/client-directory.ts';
import { type DirectoryLock, lockDirectory } from '../disk/client-lock.ts';
import { acceptDelegated } from '../tuf/accept.ts';
import { LIMITS } from '../tuf/limits.ts';
import type { Delegation, Targets } from '../tuf/model.ts';
import { type MetadataSource, readDelegated } from '../tuf/refresh.ts';
import { runToEnd } from '../tuf/sliced.ts';
import type { Generation } from '../tuf/stages.ts';
import type { TrustedRoot } from '../tuf/trusted-root.ts';
import { openUpdater, type Updater } from '../tuf/updater.ts';
import type { Verified } from '../tuf/verified.ts';
import { say } from './output.ts';

/** Every root on the way from the first, under `root_history/N.root.json`, where the reference client has them: for people, nothing here reads it. */
const HISTORY = 'root_history';

/** The trusted metadata of `verbatim client` in one directory: its files are the floors, there is nothing else. */
export class TrustedDirectory {
  readonly #files: ClientDirectory;
  readonly #history: ClientDirectory;
  readonly #updater: Updater;
  readonly #lock: DirectoryLock;

  private constructor(files: ClientDirectory, history: ClientDirectory, updater: Updater, lock: DirectoryLock) {
    this.#files = files;
    this.#history = history;
    this.#updater = updater;
    this.#lock = lock;
  }

  /** Makes a directory trust a root and nothing else. Throws where the root is not signed by its own keys. */
  static async init(directory: string, root: Uint8Array): Promise<void> {
    const updater = await openUpdater(root, runToEnd);
    const files = await openClientDirectory(directory);
    const history = await openClientDirectory(join(directory, HISTORY));
    await history.writeSoon(`${updater.root.signed.version}.root.json`, root);
    await files.write('root.json', root);
  }

  /**
   * For this process alone until it is closed: two walks at once could each put an older document over the other's newer
   * one. Throws `state` before any request where the directory has no valid root.
   */
  static async open(directory: string): Promise<TrustedDirectory> {
    const files = await openClientDirectory(directory);
    const lock = lockDirectory(directory);
    try {
      const root = await files.read('root.json', LIMITS.root);
      if (root === undefined)
        throw new Refusal(
          'state',
          `${directory} holds no root.json. Run "verbatim client --metadata-dir ${directory} init ROOT.json" first.`,
          { subject: 'root' },
        );
      const history = await openClientDirectory(join(directory, HISTORY));
      return new TrustedDirectory(files, history, await openUpdater(root, runToEnd), lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  close(): void {
    this.#lock.release();
  }

  /** TUF §5.3 to §5.6.6; each document is on disk before the next is asked for, roots before what they vouch for is. */
  async refresh(source: MetadataSource, now: Instant): Promise<Generation> {
    const files = this.#files;
    await this.#updater.recall({
      timestamp: await files.read('timestamp.json', LIMITS.timestamp),
      snapshot: await files.read('snapshot.json', LIMITS.snapshot),
      targets: await files.read('targets.json', LIMITS.targets),
    });
    const roots = new RootsOnTheWay(files, this.#history);
    try {
      return await this.#updater.refresh({
        source: {
          async read(wanted) {
            if (wanted.role !== 'root') await roots.settle();
            return source.read(wanted);
          },
        },
        now,
        keep: {
          root: (root, forget) => roots.take(root, forget),
          unfinished: ({ signed }) =>
            say(
              `There are more new roots than one refresh follows: the next one goes on from version ${signed.version}.`,
            ),
          timestamp: ({ bytes }) => files.write('timestamp.json', lend(bytes)),
          snapshot: ({ bytes }) => files.write('snapshot.json', lend(bytes)),
          targets: ({ bytes }) => files.write('targets.json', lend(bytes)),
        },
      });
    } finally {
      await roots.settle();
    }
  }

  /** A delegated role: the file of it where that still proves, else upstream's. */
  async role(generation: Generation, by: Delegation, source: MetadataSource): Promise<Verified<Targets>> {
    const name = `${by.name}.json`;
    const kept = this.#proved(generation, by, await this.#files.read(name, LIMITS.targets));
    if (kept !== undefined) return kept;
    const bytes = await readDelegated(generation, by, source);
    if (bytes === undefined)
      throw new Refusal('unreachable', `The role ${by.name} is not where it should be.`, { subject: 'delegated' });
    const role = runToEnd(acceptDelegated(generation, by, bytes));
    await this.#files.write(name, lend(role.bytes));
    return role;
  }

  #proved(generation: Generation, by: Delegation, bytes: Uint8Array | undefined): Verified<Targets> | undefined {
    if (bytes === undefined) return undefined;
    try {
      return runToEnd(acceptDelegated(generation, by, bytes));
    } catch (error) {
      if (error instanceof Refusal) return undefined;
      throw error;
    }
  }
}

/** A client that is killed follows no more than these again. */
const ROOTS_AT_ONCE = 32;

/** A chain of roots on its way to disk: the newest of each group becomes `root.json`, once and for good. */
class RootsOnTheWay {
  readonly #files: ClientDirectory;
  readonly #history: ClientDirectory;
  #newest: TrustedRoot | undefined;
  #taken = 0;
  #forget = false;

  constructor(files: ClientDirectory, history: ClientDirectory) {
    this.#files = files;
    this.#history = history;
  }

  async take(root: TrustedRoot, forget: boolean): Promise<void> {
    await this.#history.writeSoon(`${root.signed.version}.root.json`, lend(root.bytes));
    this.#newest = root;
    this.#forget ||= forget;
    if (++this.#taken % ROOTS_AT_ONCE === 0) await this.settle();
  }

  /** On disk when this resolves. */
  async settle(): Promise<void> {
    if (this.#newest === undefined) return;
    await this.#files.write('root.json', lend(this.#newest.bytes));
    this.#newest = undefined;
    // TUF §5.3.11: rotated keys take back what they vouched for. Not before the root that says so would survive a power cut.
    if (this.#forget) for (const name of ['timestamp.json', 'snapshot.json']) await this.#files.remove(name);
    this.#forget = false;
  }
}
