import type { Caller } from '../../async/caller.ts';
import type { Listing, OwnFile } from '../../pypi/listing.ts';
import type { Blob } from '../blob.ts';

/** `info` of a release as the index has it beside its page. */
export type ReleaseDocument = (project: string, version: string, caller: Caller) => Promise<Uint8Array | undefined>;

/** The files of an index for who looks into them: proved as for a client, whatever the policy says of them, and sent to nobody. */
export interface Inside {
  /** What the page offers. Throws Refusal. */
  listing(project: string, caller: Caller): Promise<Listing>;
  /** What the page announces beside the file; undefined where there is none, or the file was seen to hold another. Throws Refusal. */
  coreMetadata(project: string, file: OwnFile, caller: Caller): Promise<Uint8Array | undefined>;
  /** Whether these bytes hold other core metadata than what is announced beside them, or none that can be read. Throws Refusal. */
  isBelied(file: OwnFile, blob: Blob, caller: Caller): Promise<boolean>;
  isHeld(project: string, file: OwnFile, caller: Caller): Promise<boolean>;
  /** Fetched where it is not held; undefined where nobody states a digest. Throws Refusal. */
  open(project: string, file: OwnFile, caller: Caller): Promise<Blob | undefined>;
  /** Undefined where the index has no place for it. */
  readonly release: ReleaseDocument | undefined;
}
