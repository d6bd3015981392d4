import type { ByHand } from '../../policy/by-hand.ts';
import type { IndexState } from '../../ports/index-state.ts';
import { versionKey } from '../../pypi/versions.ts';
import type { FactSource } from './fact-source.ts';

/** Where an operator's words are kept. */
export type Words = Pick<IndexState, 'quarantine' | 'projects'>;

interface Read extends ByHand {
  /** Of the item it was read from: an older one takes nothing back. */
  readonly version: number;
  readonly id: string;
}

/** What an operator has put in quarantine. */
export class WordsByHand implements FactSource<'byHand'> {
  readonly name = 'byHand';
  readonly #words: Words;
  readonly #read = new Map<string, Read>();

  constructor(words: Words) {
    this.#words = words;
  }

  /** Throws Refusal `state`. */
  static async open(words: Words): Promise<WordsByHand> {
    const source = new WordsByHand(words);
    for await (const project of words.projects('quarantine')) await source.follow(project);
    return source;
  }

  get quarantined(): number {
    let sum = 0;
    for (const { whole, versions } of this.#read.values()) sum += versions.size + (whole === undefined ? 0 : 1);
    return sum;
  }

  version(project: string): string {
    return this.of(project)?.id ?? '';
  }

  /** Undefined also where all of it was lifted. */
  of(project: string): Read | undefined {
    const read = this.#read.get(project);
    return read?.whole === undefined && (read?.versions.size ?? 0) === 0 ? undefined : read;
  }

  async follow(project: string): Promise<void> {
    const known = await this.#words.quarantine(project).read();
    if (known === undefined) {
      this.#read.delete(project);
      return;
    }
    const { version, id, value } = known;
    if ((this.#read.get(project)?.version ?? 0) > version) return;
    const versions = value.flatMap((entry) =>
      entry.version === undefined ? [] : [[versionKey(entry.version), entry] as const],
    );
    const whole = value.find((entry) => entry.version === undefined);
    this.#read.set(project, { version, id, whole, versions: new Map(versions) });
  }
}
