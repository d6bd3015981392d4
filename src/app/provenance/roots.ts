import type { ProvenanceMode } from '../../policy/provenance.ts';
import type { Emit } from '../../ports/events.ts';
import { ASKED_EVERY, type RootPlaces, type RootSource, type RootStanding, rootSource } from './root-source.ts';

/** How what an index believes of Sigstore stands. */
export interface IndexRoot extends RootStanding {
  readonly index: string;
  /** Files of it are held back where their provenance cannot be checked, or is wrong. */
  readonly strict: boolean;
}

interface Wanted extends RootPlaces {
  readonly index: string;
  readonly modes: readonly ProvenanceMode[];
}

const STRICT: ReadonlySet<ProvenanceMode> = new Set(['require-when-present', 'require']);

/** What each index believes of Sigstore, kept current whether or not anybody asks for a file. */
export class SigstoreRoots {
  readonly #sources = new Map<string, { readonly source: RootSource; readonly strict: boolean }>();
  readonly #emit: Emit;
  #timer: NodeJS.Timeout | undefined;
  #onLooked: () => void = () => undefined;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Throws Refusal for a file that is no trusted root. */
  add({ index, modes, ...places }: Wanted): RootSource {
    const source = rootSource(places);
    this.#sources.set(index, { source, strict: modes.some((mode) => STRICT.has(mode)) });
    return source;
  }

  get standings(): readonly IndexRoot[] {
    return [...this.#sources].map(([index, { source, strict }]) => ({ index, strict, ...source.standing() }));
  }

  /** Told after each look. */
  watch(onLooked: () => void): void {
    this.#onLooked = onLooked;
  }

  /** From now on indexes are asked for their copy on schedule. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), ASKED_EVERY * 1000).unref();
  }

  /** Never rejects. */
  async look(): Promise<void> {
    for (const { source } of this.#sources.values())
      await source.root().catch((error: unknown) => this.#emit({ name: 'faulted', at: 'answer', error }));
    this.#onLooked();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
