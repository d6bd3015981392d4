import type { Totals } from '../advisories/advisories.ts';
import type { Step } from '../advisories/feed.ts';
import type { Packed } from '../advisories/packed.ts';
import type { Instant } from '../bytes/instant.ts';
import type { Reason, Subject } from '../bytes/refusal.ts';
import type { Difference, Digestless, LegacySource, Seen } from '../ports/page-work.ts';
import type { ProvenanceGiven } from '../ports/provenance/work.ts';
import type { Judgement } from '../provenance/judge.ts';
import type { Directory } from '../pypi/inspect/check-zip.ts';
import type { Inspected } from '../pypi/inspect/inspect.ts';
import type { ListingHead, OwnFile } from '../pypi/listing.ts';
import type { Undigested } from '../pypi/relink.ts';
import type { Bodies } from '../render/bodies.ts';
import type { PackedSerials } from './packed-serials.ts';

// What the two sides of a thread say to each other. A document is opened, asked for its parts, and closed by its number.

export interface Calls {
  /** Decodes a page; answers the files it states no digest of. */
  readonly open: {
    readonly ask: { readonly document: number; readonly project: string; readonly bytes: Uint8Array };
    readonly answer: Digestless;
  };
  readonly relink: {
    readonly ask: {
      readonly document: number;
      readonly pageUrl: string;
      readonly linkBase: string | undefined;
      readonly undigested: Undigested | undefined;
    };
    readonly answer: ListingHead;
  };
  /** The next files of the relinked page; none at its end. */
  readonly files: {
    readonly ask: { readonly document: number; readonly from: number };
    readonly answer: readonly OwnFile[];
  };
  readonly draw: {
    readonly ask: {
      readonly document: number;
      readonly withheld: ReadonlySet<string>;
      readonly silenced: ReadonlySet<string>;
      readonly unheld: ReadonlySet<string> | undefined;
      readonly times: ReadonlyMap<string, string> | undefined;
      readonly hidden: boolean;
    };
    readonly answer: Bodies;
  };
  readonly close: { readonly ask: { readonly document: number }; readonly answer: undefined };
  /** Begins to inspect a file; its bytes follow piece by piece, and `inspected` is its end. */
  readonly inspect: {
    readonly ask: { readonly document: number; readonly file: Inspected };
    readonly answer: undefined;
  };
  readonly feed: {
    readonly ask: { readonly document: number; readonly bytes: Uint8Array };
    readonly answer: undefined;
  };
  readonly inspected: { readonly ask: { readonly document: number }; readonly answer: undefined };
  readonly startupFiles: { readonly ask: { readonly directory: Directory }; readonly answer: readonly string[] };
  readonly list: { readonly ask: { readonly bytes: Uint8Array }; readonly answer: Bodies };
  readonly serials: { readonly ask: { readonly bytes: Uint8Array }; readonly answer: PackedSerials };
  readonly legacy: {
    readonly ask: Omit<LegacySource, 'listing'> & { readonly undigested: Undigested };
    readonly answer: Uint8Array | undefined;
  };
  /** True where bcrypt made `encoded` of the password. */
  readonly bcrypt: {
    readonly ask: { readonly password: string; readonly encoded: string };
    readonly answer: boolean;
  };
  readonly provenance: { readonly ask: ProvenanceGiven; readonly answer: Judgement };
  readonly compare: {
    readonly ask: { readonly project: string; readonly before: Seen | undefined; readonly after: Seen };
    readonly answer: Difference;
  };
  /** Begins to read a feed of advisories; its records follow step by step, and `endOfFeed` is its end. */
  readonly openFeed: {
    readonly ask: { readonly document: number; readonly bytes: Uint8Array; readonly now: Instant };
    readonly answer: undefined;
  };
  readonly nextOfFeed: { readonly ask: { readonly document: number }; readonly answer: Step };
  readonly endOfFeed: {
    readonly ask: { readonly document: number };
    readonly answer: { readonly totals: Totals; readonly packed: Packed };
  };
  readonly condense: {
    readonly ask: { readonly project: string; readonly bytes: Uint8Array };
    readonly answer: Uint8Array | undefined;
  };
}

export type Kind = keyof Calls;

/** One call as it travels. */
export type Asked = {
  readonly [K in Kind]: { readonly call: number; readonly kind: K; readonly ask: Calls[K]['ask'] };
}[Kind];

export type Answered =
  | { readonly call: number; readonly answer: Calls[Kind]['answer'] }
  | { readonly call: number; readonly refusal: RefusalParts }
  | { readonly call: number; readonly error: string };

/** A refusal's class does not survive the way between threads; its parts do. */
export interface RefusalParts {
  readonly reason: Reason;
  readonly message: string;
  readonly subject: Subject | undefined;
  readonly transient: boolean;
}
