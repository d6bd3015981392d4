import type { Instant } from '../../bytes/instant.ts';
import type { Judgement } from '../../provenance/judge.ts';
import type { Publisher } from '../../provenance/publisher.ts';

/** The index announces provenance, and it is not to be had. `lasting`: upstream says that there is none; `transient`: it may come in a moment. */
export interface Unavailable {
  readonly result: 'unavailable';
  readonly why: string;
  readonly lasting: boolean;
  readonly transient?: boolean | undefined;
}

/** What was found out of one file. */
export interface KeptJudgement {
  /** SHA-256 of the file, of the provenance (none where it was not to be had), and of the trusted root. */
  readonly file: string;
  readonly document: string | undefined;
  readonly root: string;
  /** When it was looked at last. */
  readonly at: Instant;
  readonly judgement: Judgement | Unavailable;
}

/** Whom files of a project are expected from. `by`: who said so. */
export interface KnownPublisher extends Publisher {
  readonly since: Instant;
  readonly by: 'first-sight' | 'operator';
}

/** An operator lets a release differ from those before it. */
export interface AcceptedRelease {
  /** As it was given. */
  readonly version: string;
  readonly reason: string;
  readonly at: Instant;
}

/** What is remembered of a project whose files announced provenance. */
export interface KeptProvenance {
  /** When it was first seen so: files that were listed by then are held to nothing. */
  readonly since: Instant;
  /** Empty until a file of it was verified. */
  readonly publishers: readonly KnownPublisher[];
  readonly accepted: readonly AcceptedRelease[];
  /** By file name; of very many those that were looked at last. */
  readonly files: ReadonlyMap<string, KeptJudgement>;
}
