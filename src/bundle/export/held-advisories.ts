import { type Instant, instantText } from '../../bytes/instant.ts';
import type { BundleBytes } from '../format/archive.ts';
import { digestOfFile } from './copy.ts';
import type { HeldItem } from './held.ts';

/** The feed of advisories that is in force at the exporting site. */
export interface HeldFeed {
  /** Where the site has it from; for people. */
  readonly from: string;
  /** When the newest of them was changed. */
  readonly newest: Instant | undefined;
  readonly records: number;
  readonly malware: number;
  /** Never changes while it is open. */
  readonly archive: BundleBytes;
}

export async function heldAdvisories(feed: HeldFeed): Promise<HeldItem> {
  const { from: url, newest, archive } = feed;
  const confirmed = newest === undefined ? {} : { confirmed: instantText(newest) };
  return {
    entry: { kind: 'advisories', url, ...confirmed, size: archive.size, sha256: await digestOfFile(archive) },
    feed,
  };
}
