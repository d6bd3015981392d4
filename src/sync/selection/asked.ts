import { ALGORITHMS, isAlgorithm, isDigest } from '../../bytes/digest.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Marker, MarkerContext } from '../../pypi/requirement/marker.ts';
import type { Specifiers } from '../../pypi/requirement/specifier.ts';
import { MAX_ASKED } from './limits.ts';

/** Something that is to be held of one project. */
export interface Asked {
  /** Normalized. */
  readonly project: string;
  /** Normalized. */
  readonly extras: readonly string[];
  readonly specifiers: Specifiers;
  readonly marker: Marker | undefined;
  /** Whether anything in the lock requires it in an environment; undefined where the lock says that by the marker alone. */
  readonly isWanted?: ((values: MarkerContext['values']) => boolean) | undefined;
  /** `sha256:HEX`: each file is one of these. Empty: nothing pins the choice. */
  readonly hashes: ReadonlySet<string>;
  /** Their names, by the hashes that the lock has of each; undefined where it has none. */
  readonly files: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  /** What it requires stands beside it, in the same lock. */
  readonly isLocked: boolean;
  /** Where it is asked for: `requirements.txt:12`. */
  readonly at: string;
}

/** Something of a list or lock that no index can have, or that says nothing of what is to be held. */
export interface PassedOver {
  readonly what: string;
  readonly why: string;
  readonly at: string;
  /** False of what nobody needs an index for: the project itself, a setting of an installer. */
  readonly isMissing: boolean;
}

/** What lists and locks ask for. */
export interface Selection {
  readonly asked: readonly Asked[];
  /** Hold wherever the same project is asked for or required. */
  readonly constraints: readonly Asked[];
  readonly passedOver: readonly PassedOver[];
}

/** Gathers a selection. */
export class Gathering implements Selection {
  readonly asked: Asked[] = [];
  readonly constraints: Asked[] = [];
  readonly passedOver: PassedOver[] = [];

  ask(asked: Asked): void {
    this.#hold(asked.at);
    this.asked.push(asked);
  }

  constrain(asked: Asked): void {
    this.#hold(asked.at);
    this.constraints.push(asked);
  }

  passOver(passed: PassedOver): void {
    this.#hold(passed.at);
    this.passedOver.push(passed);
  }

  add({ asked, constraints, passedOver }: Selection): void {
    for (const each of asked) this.ask(each);
    for (const each of constraints) this.constrain(each);
    for (const each of passedOver) this.passOver(each);
  }

  #hold(at: string): void {
    if (this.asked.length + this.constraints.length + this.passedOver.length >= MAX_ASKED)
      throw unusable(at, `asks for more than ${MAX_ASKED} things`, 'limit');
  }
}

export function unusable(at: string, what: string, reason: 'format' | 'limit' = 'format', cause?: unknown): Refusal {
  return new Refusal(reason, `${at}: ${what}.`, { subject: 'request', cause });
}

/** `sha256:HEX` as it is compared; `weak` for what vouches for nothing, undefined for what is malformed. */
export function hashOf(algorithm: string, hex: string): string | 'weak' | undefined {
  const name = algorithm.toLowerCase();
  const lower = hex.toLowerCase();
  if (isAlgorithm(name)) return isDigest(name, lower) ? `${name}:${lower}` : undefined;
  return /^[a-z0-9_-]{2,20}$/.test(name) && /^[0-9a-f]{8,256}$/.test(lower) ? 'weak' : undefined;
}

export const KNOWN_HASHES = ALGORITHMS.join(', ');
