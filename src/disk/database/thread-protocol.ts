import type { Reason, Subject } from '../../bytes/refusal.ts';
import type { OldItems } from '../../ports/state-room.ts';
import type { SharedBy } from '../records/line-shares.ts';
import type { DumpedVersion } from '../state/state-dump.ts';
import type { LargeRequest } from '../state/state-large.ts';
import type { OldestRequest } from '../state/state-room.ts';
import type { Scan, ScanRequest, StateSource } from '../state/state-scan.ts';
import type { SealKeys } from '../state/state-seal.ts';
import type { WriteTarget } from './write-connection.ts';

/** A database that the thread has open, by the number its opener gave it. */
interface Of {
  readonly database: number;
}

export interface OpenState extends Of, WriteTarget {
  readonly index: string;
  readonly keys: SealKeys | undefined;
}

export interface OpenPlain extends Of, WriteTarget {
  readonly what: 'records' | 'documents';
}

interface Epoch {
  readonly epoch: number;
}

/** What a write changed of an index: its epoch is higher where anything did. `isCrowded`: there is little room left. */
interface Wrote extends Epoch {
  readonly isCrowded: boolean;
}

/** Nothing to say but that it was done. */
export type Done = Readonly<Record<string, never>>;

/** A version of an item of state, and below which older ones of it go. */
export interface Creation {
  readonly path: string;
  readonly version: number;
  readonly value: Uint8Array<ArrayBuffer>;
  readonly removeBelow: number;
}

/** A change that was decided elsewhere. */
export type CopiedChange =
  | { readonly kind: 'create'; readonly creations: readonly Creation[] }
  | { readonly kind: 'removeBelow'; readonly path: string; readonly version: number }
  | { readonly kind: 'setAside'; readonly names: readonly string[]; readonly as: string };

/** Changes; those that wait for one database at once are one transaction. */
export interface Writes {
  /** All of them, or none: where a version of one of them is taken, or one is new and there is no room for what is new. */
  create: {
    ask: Of & { readonly creations: readonly Creation[] };
    answer: Wrote & { readonly outcome: 'created' | 'taken' | 'full' };
  };
  removeBelow: { ask: Of & { readonly path: string; readonly version: number }; answer: Wrote };
  /** Answers the paths of the items that were set aside. */
  setAside: {
    ask: Of & { readonly names: readonly string[]; readonly as: string };
    answer: Wrote & { readonly paths: readonly string[] };
  };
  /** All of them in their order, and the mark; nothing where the mark is taken. Answers the paths of what was set aside. */
  copy: {
    ask: Of & { readonly mark: Creation; readonly changes: readonly CopiedChange[] };
    answer: Epoch & { readonly copied: boolean; readonly paths: readonly string[] };
  };
  /** Puts versions where `replace` takes them from; they are nobody's items yet. */
  stage: { ask: Of & { readonly name: string; readonly creations: readonly Creation[] }; answer: Epoch };
  /** What was staged under a name goes. */
  unstage: { ask: Of & { readonly name: string }; answer: Epoch };
  /**
   * Every item goes, and those that were staged under the name, so many, and the mark come in their place; nothing where the mark is taken, and then nothing
   * of it happened.
   */
  replace: {
    ask: Of & { readonly name: string; readonly count: number; readonly mark: Creation };
    answer: Epoch & { readonly replaced: boolean };
  };
  /**
   * Adds lines of one kind, and removes some beyond this many bytes: the oldest of all, or of the project or client that has most; and those that say
   * that they are from before this time.
   */
  append: {
    ask: Of & {
      readonly lineKind: number;
      readonly lines: readonly string[];
      readonly mostBytes: number;
      readonly sharedBy: SharedBy | undefined;
      readonly notBefore: number | undefined;
    };
    answer: Done;
  };
  /** Never lowers. */
  noteEpoch: { ask: Of & { readonly index: string; readonly epoch: number }; answer: Done };
  /** All of them, or none. */
  putDocuments: {
    ask: Of & { readonly documents: readonly { readonly sha256: Uint8Array; readonly content: Uint8Array }[] };
    answer: Done;
  };
  removeDocument: { ask: Of & { readonly sha256: Uint8Array }; answer: Done };
}

export interface Calls extends Writes {
  openState: { ask: OpenState; answer: Epoch };
  openPlain: { ask: OpenPlain; answer: Done };
  /** Which of these documents are there: they, and all that was committed before, are on the disk when it answers. */
  syncDocuments: {
    ask: Of & { readonly sha256s: readonly Uint8Array[] };
    answer: { readonly there: readonly boolean[] };
  };
  close: { ask: Of; answer: Done };
  scan: { ask: ScanRequest; answer: Scan };
  readLarge: { ask: LargeRequest; answer: Uint8Array | undefined };
  oldestPages: { ask: OldestRequest; answer: OldItems };
  /** Of one dump a thread: the first call begins it, and each answers what comes next. */
  dump: { ask: StateSource; answer: readonly DumpedVersion[] };
}

export type Kind = keyof Calls;
export type WriteKind = keyof Writes;
export type Asked = { [K in Kind]: { readonly call: number; readonly kind: K; readonly ask: Calls[K]['ask'] } }[Kind];
export type Write = { [K in WriteKind]: { readonly kind: K; readonly ask: Writes[K]['ask'] } }[WriteKind];

export type Outcome =
  | { readonly answer: Calls[Kind]['answer'] }
  | {
      readonly refusal: {
        readonly reason: Reason;
        readonly message: string;
        readonly subject: Subject | undefined;
        readonly transient: boolean;
      };
    }
  | { readonly error: string };

/** Those that were decided by one transaction come together. */
export type Answered = readonly (readonly [call: number, outcome: Outcome])[];
