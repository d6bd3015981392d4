import type { Instant } from '../bytes/instant.ts';

// What is remembered of bundles that were imported.

/** A document by its bytes. */
export interface ContentName {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** Who signed a bundle. */
export interface CarriedBy {
  /** What the site calls the key. */
  readonly name: string;
  /** Ed25519, 32 bytes in lower-case hex. */
  readonly public: string;
}

/** What scanned the files of a bundle. */
export interface ScanRecord {
  /** What the scanner says of itself. */
  readonly version: string;
  readonly files: number;
}

/** One import: everything that the index consisted of from then on. */
export interface CarriedGeneration {
  /** Of the bundle. */
  readonly number: number;
  /** SHA-256 of its manifest. */
  readonly manifest: string;
  /** Lists every document and file, in the order and the form of a manifest's entries. */
  readonly table: ContentName;
  /** Undefined for a bundle that nobody signed: then its number and times are a stranger's. */
  readonly key: CarriedBy | undefined;
  /** When upstream last stood by what it carries, by the sender's word. */
  readonly stateAt: Instant;
  readonly importedAt: Instant;
  readonly scan: ScanRecord | undefined;
}

/** A key that a signed bundle has announced. */
export interface AnnouncedKey extends CarriedBy {
  readonly from: Instant | undefined;
  readonly until: Instant | undefined;
}

/** All that one index remembers of its imports. */
export interface Carried {
  /** Newest last, bounded; the last one is in force. Never empty. */
  readonly generations: readonly [CarriedGeneration, ...(readonly CarriedGeneration[])];
  /** The highest number that a believed key signed: nothing below it is taken. */
  readonly floor: number;
  /** As of when its evidence is judged, and by whose word; undefined where nobody said. Never goes back. */
  readonly reference: { readonly at: Instant; readonly by: string } | undefined;
  /** Days, by the sender's word; undefined where a bundle said none. */
  readonly maxAgeDays: number | undefined;
  readonly announced: readonly AnnouncedKey[];
}

/** The generation in force. */
export function inForce({ generations }: Carried): CarriedGeneration {
  return generations.at(-1) ?? generations[0];
}

/** A document of a generation that nobody signed, as its table lists it. */
export interface CarriedDocument extends ContentName {
  readonly kind: 'page' | 'list' | 'signature' | 'provenance';
  readonly project: string;
  /** Of the file that it belongs to. */
  readonly filename: string;
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly serial: number | undefined;
  readonly confirmed: Instant | undefined;
  /** Where its line begins in the table. Bytes. */
  readonly at: number;
}

/** A file of a generation, as its table lists it. */
export interface CarriedFile extends ContentName {
  readonly filename: string;
}

/** Reads the tables of generations. Both throw Refusal `state` where a table cannot be believed. */
export interface CarriedTables {
  documents(table: ContentName): AsyncIterable<CarriedDocument>;
  /** Of one project: what stands in the table from the place of its page on. */
  files(table: ContentName, page: CarriedDocument): AsyncIterable<CarriedFile>;
}
