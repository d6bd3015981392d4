import { expect } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { type Answer, type AnswerLog, faultsOfAnswers, type Snapshot } from './answer-checker.ts';

/** In so many milliseconds replicas that hear of each other serve what one serves: a second, and more where the machine is busy. */
const WITHIN_MS = 1000 + 4000;

/** What a client got: the bytes that count, and the version where the answer says one. */
type Got = Pick<Answer, 'thing' | 'sha256' | 'version'>;

/** The access log of all replicas, as their clients wrote it: what was asked for, when, and what came; beside it, what upstream had. */
export class AnswerBook {
  readonly #answers: Answer[] = [];
  readonly #snapshots = new Map<string, Snapshot[]>();
  readonly #together: (readonly [from: number, until: number])[] = [];
  #since: number | undefined;

  /** Upstream has this from now on. To be said before anybody can be answered by it. */
  published(index: string, version: number, things: Snapshot['things']): void {
    const earlier = this.#snapshots.get(index) ?? [];
    this.#snapshots.set(index, [...earlier, { version, since: performance.now(), things }]);
  }

  /** Asks a replica. What is no answer by its content, as a refusal is, is not written down: `ask` gives undefined then. */
  async answer<T extends Got | undefined>(replica: string, index: string, ask: () => Promise<T>): Promise<T> {
    const from = performance.now();
    const got = await ask();
    if (got !== undefined) {
      const { thing, sha256, version } = got;
      this.#answers.push({ replica, index, from, until: performance.now(), thing, sha256, version });
    }
    return got;
  }

  /** From now on replicas can hear of each other. */
  together(): void {
    this.#since ??= performance.now();
  }

  /** From now on something is wrong with what they hear of each other by. */
  apart(): void {
    if (this.#since !== undefined) this.#together.push([this.#since, performance.now()]);
    this.#since = undefined;
  }

  get size(): number {
    return this.#answers.length;
  }

  get log(): AnswerLog {
    const since: AnswerLog['together'] = this.#since === undefined ? [] : [[this.#since, performance.now()]];
    return {
      answers: this.#answers,
      snapshots: this.#snapshots,
      together: [...this.#together, ...since],
      withinMs: WITHIN_MS,
    };
  }

  /** Fails unless there are more than so many answers, and one snapshot explains each, and none went down. */
  holds(moreThan: number): void {
    expect(faultsOfAnswers(this.log)).toEqual([]);
    expect(this.size).toBeGreaterThan(moreThan);
  }
}

/** What a page says: names of files and their digests, however it is drawn. */
export function pageDigest(files: readonly (readonly [name: string, sha256: string])[]): string {
  return sha256Hex(Buffer.from(JSON.stringify(files)));
}

export interface ListedFile {
  readonly filename: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly url: string;
}

/** The same of a page in JSON as a client got it, with what it lists. */
export function readPage(body: string): { readonly sha256: string; readonly files: readonly ListedFile[] } {
  const { files }: { readonly files: readonly ListedFile[] } = JSON.parse(body);
  return { sha256: pageDigest(files.map(({ filename, hashes }) => [filename, hashes['sha256'] ?? ''])), files };
}

interface Wheel {
  readonly filename: string;
  readonly bytes: Uint8Array;
}

/** What a project with these files may be answered by: its page, and each file under its name. */
export function thingsOf(wheels: readonly Wheel[]): ReadonlyMap<string, readonly string[]> {
  const listed = wheels.map(({ filename, bytes }) => [filename, sha256Hex(bytes)] as const);
  return new Map([['page', [pageDigest(listed)]], ...listed.map(([name, sha256]) => [name, [sha256]] as const)]);
}
