import type { Caller } from '../../async/caller.ts';
import { yieldToEventLoop } from '../../async/yield.ts';
import type { Digests } from '../../bytes/digest.ts';
import type { PackageIndex } from '../../mirror/package-index.ts';
import type { BlobStorage } from '../../ports/blob-storage.ts';
import type { Emit } from '../../ports/events.ts';
import type { IndexState } from '../../ports/index-state.ts';

interface FetchAgainOptions {
  readonly indexes: readonly PackageIndex[];
  readonly states: ReadonlyMap<string, IndexState>;
  /** Where other digests lead to. */
  readonly storage: Pick<BlobStorage, 'alias'>;
  readonly isOffline: boolean;
  readonly emit: Emit;
}

/** What was set aside, by the name that it has in an index. */
interface Named {
  readonly index: PackageIndex;
  readonly project: string;
  readonly file: string;
  readonly sha256: string;
  readonly isMetadata: boolean;
}

const PROJECTS_A_TURN = 100;

/** Fetches what was set aside again, in the background: which files it was, the pins of all indexes say. */
export class FetchAgain {
  readonly #options: FetchAgainOptions;
  readonly #leaving = new AbortController();
  #wanted = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: FetchAgainOptions) {
    this.#options = options;
  }

  /** Returns at once; what becomes of it is told. */
  want(sha256: string): void {
    this.#wanted.add(sha256);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async close(): Promise<void> {
    this.#leaving.abort(new Error('the mirror is shutting down'));
    await this.settled();
  }

  async #run(): Promise<void> {
    const { emit } = this.#options;
    while (this.#wanted.size > 0 && !this.#leaving.signal.aborted) {
      const wanted = this.#wanted;
      this.#wanted = new Set();
      try {
        for await (const named of this.#named(wanted)) await this.#fetch(named);
      } catch (error) {
        emit({ name: 'faulted', at: 'store', error });
      }
      if (this.#leaving.signal.aborted) return;
      for (const sha256 of wanted) emit({ name: 'fetchedAgain', index: '', sha256, result: 'unknown' });
    }
  }

  /** Takes from `wanted` what it finds. */
  async *#named(wanted: Set<string>): AsyncGenerator<Named, void, undefined> {
    const { indexes, states } = this.#options;
    let turn = 0;
    for (const index of indexes) {
      const state = states.get(index.name);
      for await (const project of state?.projects('pins') ?? []) {
        if (wanted.size === 0 || this.#leaving.signal.aborted) return;
        if (++turn % PROJECTS_A_TURN === 0) await yieldToEventLoop();
        for (const [file, { digests, coreMetadata }] of (await state?.pins(project).read())?.value ?? []) {
          const ofFile = await this.#among(wanted, digests);
          if (ofFile !== undefined) yield { index, project, file, sha256: ofFile, isMetadata: false };
          const ofMetadata = await this.#among(wanted, coreMetadata);
          if (ofMetadata !== undefined) yield { index, project, file, sha256: ofMetadata, isMetadata: true };
        }
      }
    }
  }

  async #among(wanted: Set<string>, digests: Digests | undefined): Promise<string | undefined> {
    for (const [algorithm, hex] of digests ?? []) {
      const sha256 = algorithm === 'sha256' ? hex : await this.#options.storage.alias(algorithm, hex);
      if (sha256 !== undefined && wanted.delete(sha256)) return sha256;
      if (algorithm === 'sha256') return undefined;
    }
    return undefined;
  }

  async #fetch({ index, project, file, sha256, isMetadata }: Named): Promise<void> {
    const { isOffline, emit } = this.#options;
    const named = { index: index.name, project, file: isMetadata ? `${file}.metadata` : file, sha256 };
    const tell = (result: 'fetched' | 'failed' | 'offline', why?: string) =>
      emit({ name: 'fetchedAgain', ...named, result, why });
    if (isOffline || index.carried !== undefined) return tell('offline');
    const { signal } = this.#leaving;
    const caller: Caller = { index: index.name, party: 'scrub', priority: 'background', signal };
    try {
      const page = await index.listing(project, caller);
      if (!isMetadata) await index.open(page, file, caller);
      else if ((await index.coreMetadata(page, file, caller)) === undefined)
        return tell('failed', 'The page does not announce its core metadata any more.');
      tell('fetched');
    } catch (error) {
      if (!signal.aborted) tell('failed', error instanceof Error ? error.message : String(error));
    }
  }
}
