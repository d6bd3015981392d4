import type { Instant } from '../bytes/instant.ts';
import type { Pin } from '../ports/index-state.ts';
import type { JudgedFile, JudgedPage } from '../pypi/listing.ts';
import type { Facts } from './facts.ts';

export type Action = 'report' | 'hide' | 'deny';

/** What a rule says of a file, or of a project. */
export interface Word {
  /** `report`: served, and told. `hide`: left out of the page, so that resolvers take another. `deny`: listed, and refused. */
  readonly action: Action;
  /** Why, in one plain sentence about this name: a file's, or a project's where it is said of one. */
  sentence(name: string): string;
  /** It says otherwise from then on; undefined where time changes nothing. */
  readonly until?: Instant | undefined;
  /** Nothing was found wrong: what it takes to say so cannot be had now, and whoever asks is told to come again in so many seconds. */
  readonly again?: number | undefined;
}

/** What a rule says of one page. */
export interface PageWords {
  readonly files?: ReadonlyMap<string, Word> | undefined;
  /** Of every other file of the project, listed or not. */
  readonly others?: Word | undefined;
  /** By file name, what the page carries as the upload-time of files of which upstream states none. */
  readonly times?: ReadonlyMap<string, string> | undefined;
  /** It is to be asked again then, whatever it said. */
  readonly until?: Instant | undefined;
}

/** All that a page is judged by. */
export interface SeenPage {
  readonly page: JudgedPage;
  readonly pins: ReadonlyMap<string, Pin>;
  readonly facts: Facts;
  readonly now: Instant;
}

/** A file whose bytes were proved, a moment before the first of them leaves. */
export interface SeenFile {
  readonly project: string;
  readonly file: JudgedFile;
  readonly facts: Facts;
  readonly now: Instant;
}

/** What is remembered of a file that its page does not list any more. */
export interface WasListed {
  readonly pin: Pin;
  readonly now: Instant;
}

/** A condition on what may be served. Every method is pure. */
export interface Rule {
  /** For people, the log, metrics and exceptions. */
  readonly name: string;
  /** Changes with all that it was made from. */
  readonly version: string;
  /** What it says goes before all that others say, however strict, and no exception lets it pass. */
  readonly first?: boolean | undefined;
  /** Of a project, before anybody is asked for it; `hide` is for its page. */
  project?(project: string): Word | undefined;
  page?(seen: SeenPage): PageWords;
  /** Of a file by its name alone, where the page says nothing of it; `was`: of one that it listed once. */
  unlisted?(project: string, filename: string, facts: Facts, was?: WasListed): Word | undefined;
  file?(seen: SeenFile): Word | undefined;
}
