import type { Caller } from '../async/caller.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Refusal } from '../bytes/refusal.ts';
import type { JudgedPage, Listing, OwnFile } from '../pypi/listing.ts';
import type { Blob } from './blob.ts';
import type { Inside } from './contents/inside.ts';
import type { Pin } from './index-state.ts';

/** May be served; `until`: asked again from then on. */
export interface Allowed {
  readonly action: 'serve';
  readonly until?: Instant | undefined;
}

/** `hide`: left out of the page, so that resolvers take another; `deny`: listed. Its address answers the refusal either way. */
export interface Denied {
  readonly action: 'hide' | 'deny';
  /** The rule's name, for people. */
  readonly rule: string;
  /** Why, of this file. */
  sentence(filename: string): string;
  refusal(filename: string): Refusal;
  readonly until?: Instant | undefined;
}

export type Verdict = Allowed | Denied;

/** What one rule says of one page, whether or not it is the strictest. */
export interface RuleWord {
  readonly rule: string;
  readonly action: 'report' | 'hide' | 'deny';
  /** Undefined where it is said of every file of the project. */
  readonly filename: string | undefined;
  /** Why, of this file. */
  sentence(filename: string): string;
  readonly until: Instant | undefined;
}

/** What a rule came to say of a project's page, once a change. */
export interface Ruled {
  readonly index: string;
  readonly project: string;
  readonly rule: string;
  readonly action: RuleWord['action'];
  /** Of which it is said; 0 where it is not said any more. */
  readonly files: number;
  /** Of the first of them. */
  readonly why: string;
}

/** Of one project page. */
export interface PageVerdict {
  /** Files that have a verdict of their own. */
  readonly files: ReadonlyMap<string, Verdict>;
  /** Of every other file of the project, listed or not. */
  readonly others: Verdict;
  /** By file name, what the page carries as the upload-time of files of which upstream states none; absent for none. */
  readonly times?: ReadonlyMap<string, string> | undefined;
  /** All that was said, also what changes nothing. */
  readonly told: readonly RuleWord[];
}

/** An operator's word that something of a project is not to be served, whatever its index says. */
export interface QuarantineEntry {
  /** As it was given; the whole project where there is none. */
  readonly version?: string | undefined;
  readonly reason: string;
  readonly at: Instant;
}

/** An operator's answer to what was asked for and refused: it may pass, or stays refused and whoever asks next is told why. */
export interface RequestAnswer {
  readonly action: 'allow' | 'deny';
  /** As it was given; every version where there is none. */
  readonly version?: string | undefined;
  readonly file?: string | undefined;
  /** The name of the rule that it answers; all where there is none. */
  readonly rule?: string | undefined;
  readonly reason: string;
  /** It holds before that only; undefined: for ever. */
  readonly until?: Instant | undefined;
  readonly at: Instant;
}

/** What may be served beside being proved. One decision, asked at four points. */
export interface Policy {
  /** Changes with the rules of a project and with every act of an operator on it: its page is then drawn again. No I/O. */
  version(project: string): string;
  /** Before anybody is asked for the project. Pure. */
  name(project: string): Verdict;
  /** At each drawing. Pure: the same input has the same verdict. */
  page(listing: JudgedPage, pins: ReadonlyMap<string, Pin>, now: Instant): PageVerdict;
  /** Of a file by its name alone, where the page says nothing of it; `pin`: of one that it listed once. */
  unlisted(project: string, filename: string, pin?: Pin): Verdict;
  /** After the proof, before the first byte. */
  file(project: string, file: OwnFile, blob: Blob, caller: Caller): Promise<Verdict>;
  /** What is remembered of the project is at hand when this resolves: before its page is drawn. Throws Refusal `state`. */
  recall?(project: string): Promise<void>;
  /** A page was judged: what is not known of its files may be found out behind the answer. */
  looked?(listing: Listing): void;
  /** How files are had to be looked into, once there is an index. */
  seeInside?(inside: Inside): void;
  /** What an operator decided of the project may have changed: it is in force when this resolves. Throws Refusal `state`. */
  follow(project: string): Promise<void>;
  /** How many projects and versions are kept from being served by an operator's word. No I/O. */
  readonly quarantined: number;
}
