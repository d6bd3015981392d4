import type { Instant } from '../../bytes/instant.ts';
import type { StatedLicence } from '../../pypi/contents/stated.ts';

/** What was found in one file, proved to be the file. Undefined for what was not looked at, or could not be read. */
export interface KeptContents {
  /** SHA-256 of the file. */
  readonly file: string;
  /** When it was looked at last. */
  readonly at: Instant;
  /** Since when it is there, as the rules on age count. */
  readonly born: Instant;
  readonly licence?: StatedLicence | undefined;
  /** In what its core metadata is not what the index says of it, in words; none where it is. */
  readonly differs?: readonly string[] | undefined;
  /** Members of a wheel that Python runs each time it starts. */
  readonly startup?: readonly string[] | undefined;
}

/** By file name; of very many those that were looked at last. */
export type ContentsOfProject = ReadonlyMap<string, KeptContents>;
