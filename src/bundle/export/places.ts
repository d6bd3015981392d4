import type { BundleBytes } from '../format/archive.ts';

/** A file that grows, and that nobody else sees yet. */
export interface GrowingFile extends BundleBytes {
  /** Resolves when `bytes` is the caller's again. */
  append(bytes: Uint8Array): Promise<void>;
  /** Over what is there, or beyond it. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Whoever opens it reads all of it when this resolves; durable, all but its name. */
  settle(): Promise<void>;
}

/** What is remembered of one bundle, so that it can be made again and later ones can build on it. */
export const MEMORIES = [
  'manifest.jsonl',
  'documents',
  'advisories.zip',
  'state.jsonl',
  'report.txt',
  'sbom.cdx.json',
  'seal.json',
  'SHA256SUMS',
  'SHA256SUMS.sig',
] as const;
export type Memory = (typeof MEMORIES)[number];

/** A bundle as it is remembered. */
export interface RememberedBundle {
  /** Undefined for what this bundle does not have. */
  readonly file: (name: Memory) => BundleBytes | undefined;
  close(): Promise<void>;
}

/** A bundle that is being made. It must be committed or discarded; what a killed process leaves goes with a later `begin`. */
export interface NewBundle {
  create(name: Memory): Promise<GrowingFile>;
  /** A file that is not remembered. */
  scratch(): Promise<GrowingFile>;
  /** Durable, whole and under its number; false where the number is taken. */
  commit(number: number): Promise<boolean>;
  discard(): Promise<void>;
}

/** Which bundles an index was exported as: in the exporter's own state, because no word comes back from the far side. */
export interface ExportHistory {
  /** Ascending. */
  numbers(): Promise<readonly number[]>;
  open(number: number): Promise<RememberedBundle | undefined>;
  begin(): Promise<NewBundle>;
  forget(number: number): Promise<void>;
}

/** Where a bundle is written to. Nothing is visible before `commit`, and then all of it. */
export interface BundleOutput {
  /** One file, which bears the name that was asked for; else a directory of files. */
  readonly isFile: boolean;
  create(name: string): Promise<GrowingFile>;
  /** A file that was created, to read. */
  written(name: string): Promise<BundleBytes>;
  /** Durable when it resolves, to where it lies. */
  commit(): Promise<string>;
  discard(): Promise<void>;
}
