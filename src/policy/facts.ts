import type { ContentsOfProject } from '../ports/contents/kept.ts';
import type { ByHand } from './by-hand.ts';
import type { OperatorAnswer } from './exceptions.ts';
import type { ProvenanceFacts } from './provenance.ts';

/** One advisory about a project. */
export interface KnownBad {
  readonly id: string;
  /** The first line for people; empty where there is none. */
  readonly summary: string;
  /** The package itself is the harm. */
  readonly malware: boolean;
  /** Of a version in any spelling. */
  affects(version: string): boolean;
  /** Versions that are stated to mend it, each in the spelling of `versionKey`. */
  readonly fixedIn: ReadonlySet<string>;
}

/** What is known of one project besides its page and pins. Whoever adds a rule adds what it looks at here. */
export interface Facts {
  /** An operator's words (verbatim quarantine). */
  readonly byHand?: ByHand | undefined;
  /** What operators answered to what was refused (verbatim requests), in that order. */
  readonly answers?: readonly OperatorAnswer[] | undefined;
  /** Who published its files, and how much that decides. */
  readonly provenance?: ProvenanceFacts | undefined;
  /** What was found in its files. */
  readonly contents?: ContentsOfProject | undefined;
  /** What the feed of advisories tells of it. */
  readonly knownBad?: readonly KnownBad[] | undefined;
}

export const NO_FACTS: Facts = {};
