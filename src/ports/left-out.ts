import { FAULTS, type Fault } from '../pypi/project-page.ts';

/** Why a file that upstream lists is not on our page: a fault of its line, what its pin says, or a rule of the operator's. Closed: it labels a metric. */
export const LEFT_OUT = [...FAULTS, 'changed', 'limit', 'policy', 'offline'] as const;
export type LeftOutReason = Fault | 'changed' | 'limit' | 'policy' | 'offline';

/** A file that a page does not pass on. */
export interface LeftOutFile {
  readonly name: string;
  readonly why: LeftOutReason;
}

/** The reason of a refusal as one for which a page leaves a file out: what is none of the others is a rule. */
export function leftOutWhy(reason: string): LeftOutReason {
  return LEFT_OUT.find((known) => known === reason) ?? 'policy';
}

/** What a page does not pass on of what upstream lists, and what it lists on weaker evidence. */
export interface PageTally {
  /** Files, by why. */
  readonly leftOut: ReadonlyMap<LeftOutReason, number>;
  /** Files that are listed to be believed at first sight, or were: upstream states no digest of them. */
  readonly firstSight: number;
  /** Files that are listed by the digest that a signed manifest names: upstream states none. */
  readonly byManifest: number;
  /** Files that are listed and cannot be fetched, by host: this mirror may not go there. */
  readonly outOfReach: ReadonlyMap<string, number>;
}

/** The tallies of all pages in force, for the next start and for commands beside a server. Hints for people: nothing is believed by them. */
export interface Tallies {
  /** By project. */
  load(index: string): Promise<ReadonlyMap<string, PageTally>>;
  /** Must not throw; written behind, flushed at close. Undefined: there is nothing to tell of this page any more. */
  put(index: string, project: string, tally: PageTally | undefined): void;
}

interface Words {
  /** Completes "3 files …". */
  readonly says: string;
  /** What would let it in. */
  readonly hint: string;
}

const WORDS: Readonly<Record<LeftOutReason, Words>> = {
  shape: { says: 'whose lines lack a file name or a URL', hint: 'the index has to mend its page' },
  filename: {
    says: 'whose names are none of a Python file',
    hint: 'the index has to name them as its project and version',
  },
  foreign: { says: 'named as another project’s', hint: 'ask for them under the project they are named after' },
  url: { says: 'whose links lead nowhere', hint: 'the index has to mend its links' },
  digest: { says: 'with a malformed digest', hint: 'the index has to state a sha256 of 64 hex digits' },
  'no-digest': {
    says: 'without a usable digest (sha256, sha384, sha512, blake2b)',
    hint: 'the index has to state one, or, of an index that signs nothing, undigested: first-sight takes it as it is first seen',
  },
  'lost-digest': {
    says: 'without a usable digest in a project that had them',
    hint: 'the index has to state them again: what it takes away is not made good by a first sight',
  },
  disagrees: { says: 'whose digests or sizes contradict each other', hint: 'the index has to mend them' },
  'unknown-key': {
    says: 'keys of the page or its files that this program does not know, beyond what is passed on',
    hint: 'the files are served without them',
  },
  duplicate: { says: 'listed a second time', hint: 'the first line counts' },
  changed: {
    says: 'with other digests than they were first seen with',
    hint: 'verbatim accept-change lets one through; "reuploads: true" gives up this protection',
  },
  limit: { says: 'beyond what is remembered for one project', hint: 'see "limit" in docs/trust.md' },
  offline: {
    says: 'that are not held, and that no upstream is asked for',
    hint: 'import them, or let upstream be asked; "offline_pages: all" lists them with a mark',
  },
  policy: { says: 'held back by a rule of this mirror or of the index', hint: 'see "policy" in docs/trust.md' },
};

/** Why such a file is left out, and what would let it in; for people. */
export function hintText(reason: LeftOutReason): string {
  const { says, hint } = WORDS[reason];
  return `${says}; ${hint}`;
}

/** Completes "3 files …". */
export function leftOutSays(reason: LeftOutReason): string {
  return WORDS[reason].says;
}

/** One sentence of hints for each reason. */
export function hintsText(leftOut: ReadonlyMap<LeftOutReason, number>): string {
  return `What would let them in: ${[...leftOut.keys()].map((reason) => `${reason}: ${WORDS[reason].hint}`).join('; ')}.`;
}

/** `2 files without a usable digest (…); 1 named as another project’s`. */
export function leftOutText(leftOut: ReadonlyMap<LeftOutReason, number>): string {
  return [...leftOut].map(([reason, count]) => `${count} ${WORDS[reason].says} [${reason}]`).join('; ');
}

/** `12 files without a digest are listed, and believed at first sight`; undefined for none. */
export function firstSightText(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? '1 file without a digest is listed, and believed at first sight'
    : `${count} files without a digest are listed, and believed at first sight`;
}

/** `12 files without a digest are listed by the one that a signed manifest names`; undefined for none. */
export function byManifestText(count: number): string | undefined {
  if (count === 0) return undefined;
  return count === 1
    ? '1 file without a digest is listed by the one that a signed manifest names'
    : `${count} files without a digest are listed by the one that a signed manifest names`;
}

/** What is listed there and cannot be fetched, and what would let it be; for people. */
export function outOfReachText(host: string, files: number): string {
  const what = files === 1 ? '1 listed file lies' : `${files} listed files lie`;
  return `${what} on ${host}, where this mirror may not go; if that is the index's own: --file-host ${host}`;
}

/** Completes "in quarantine". */
export function quarantinedText(count: number): string {
  return count === 1 ? '1 project or version' : `${count} projects or versions`;
}
