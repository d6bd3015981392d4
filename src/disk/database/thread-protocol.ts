import type { Reason, Subject } from '../../bytes/refusal.ts';
import type { Place } from './place.ts';
import type { LargeRequest } from './state-large.ts';
import type { Scan, ScanRequest } from './state-scan.ts';
import type { SealKeys } from './state-seal.ts';

/** A database that the thread has open, by the number its opener gave it. */
interface Of {
  readonly database: number;
}

export interface OpenState extends Of {
  readonly place: Place;
  /** Of the file that was checked and scanned. */
  readonly inode: number;
  readonly index: string;
  readonly keys: SealKeys | undefined;
  readonly maxBytes: number;
}

/** Any other database of ours: its rows carry no seal. */
export interface OpenPlain extends Of {
  readonly place: Place;
  readonly inode: number;
  readonly maxBytes: number;
}

/** What a write changed of an index: its epoch is higher where anything did. */
interface Epoch {
  readonly epoch: number;
}

/** Changes; those that wait for one database at once are one transaction. */
export interface Writes {
  create: {
    ask: Of & { readonly path: string; readonly version: number; readonly value: Uint8Array<ArrayBuffer> };
    answer: Epoch & { readonly created: boolean };
  };
  removeBelow: { ask: Of & { readonly path: string; readonly version: number }; answer: Epoch };
  /** Answers the paths of the items that were set aside. */
  setAside: {
    ask: Of & { readonly names: readonly string[]; readonly as: string };
    answer: Epoch & { readonly paths: readonly string[] };
  };
}

export interface Calls extends Writes {
  openState: { ask: OpenState; answer: Epoch };
  close: { ask: Of; answer: undefined };
  scan: { ask: ScanRequest; answer: Scan };
  readLarge: { ask: LargeRequest; answer: Uint8Array | undefined };
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
