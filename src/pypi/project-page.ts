import type { Digests } from '../bytes/digest.ts';
import { clean } from '../bytes/printable.ts';
import type { WeakDigests } from './digests.ts';
import { MAX_FILE_NAME, MAX_LEFT_OUT_NAMED } from './limits.ts';

/** One file's line in a project page, as upstream states it. */
export interface Entry {
  readonly filename: string;
  /** As listed: perhaps relative, perhaps with a fragment. Only links.ts makes it a place to go. */
  readonly url: string;
  /** Known algorithms only; empty where the page states none (bare anchors). */
  readonly digests: Digests;
  /** MD5 and SHA-1, where the page states them: they vouch for nothing. */
  readonly weak?: WeakDigests | undefined;
  /** The page calls its BLAKE2b-256 `blake2b`. */
  readonly blake2b?: true | undefined;
  /** PEP 700, bytes. */
  readonly size?: number | undefined;
  /** PEP 700, the very characters upstream wrote. */
  readonly uploadTime?: string | undefined;
  readonly requiresPython?: string | undefined;
  /** PEP 592: true, or the reason. */
  readonly yanked?: true | string | undefined;
  /** PEP 658/714: the digests of `FILE.metadata`, or that it exists without saying which. */
  readonly coreMetadata?: Digests | 'announced' | undefined;
  /** PEP 740, an absolute https URL. */
  readonly provenance?: string | undefined;
  readonly gpgSig?: boolean | undefined;
  /** Keys this program does not know (PEP 691: indexes may add, clients must ignore). */
  readonly extra?: Extra | undefined;
}

/** Unknown keys with their values as JSON text, in the order listed: nobody here looks into them. */
export type Extra = ReadonlyMap<string, string>;

/** PEP 792. */
export interface ProjectStatus {
  readonly status: string;
  readonly reason?: string | undefined;
}

/** A decoded project page: everything it says that this program understands, and the JSON keys it does not. */
export interface ProjectPage {
  /** Normalized. */
  readonly name: string;
  /** `1.x`, as upstream claims. */
  readonly apiVersion: string;
  readonly files: readonly Entry[];
  readonly versions?: readonly string[] | undefined;
  readonly projectStatus?: ProjectStatus | undefined;
  /** HTML that does not even say that it is a project page (PEP 629); it may be one all the same. */
  readonly undeclared?: true | undefined;
  /** In what it is not as its norm wants it, and was read all the same; absent for none. */
  readonly odd?: readonly Oddity[] | undefined;
  /** `<base href>` as listed, HTML only. */
  readonly base?: string | undefined;
  /** Keys of `meta` beside `api-version`. */
  readonly meta: Extra;
  readonly extra: Extra;
  readonly leftOut: LeftOut;
}

/**
 * `meta`, `name`: JSON without it. `empty`: HTML that lists nothing and does not say that it is a project page. `charset`: it was
 * stated in another one than UTF-8. `unframed`: only its own end tells that it came whole.
 */
export type Oddity = 'meta' | 'name' | 'empty' | 'charset' | 'unframed';

/**
 * Why a line of a page is not served: each a plain fault of that line, none a fault of the page. `unknown-key` is one of
 * its keys, or of the page's, beyond what is passed on of keys that this program does not know.
 */
export const FAULTS = [
  'shape',
  'filename',
  'foreign',
  'url',
  'digest',
  'no-digest',
  'lost-digest',
  'disagrees',
  'duplicate',
  'unknown-key',
] as const;
export type Fault = (typeof FAULTS)[number];

/** A line that was left out. */
export interface FaultyLine {
  readonly why: Fault;
  /** What the line calls its file, as far as it does; printable, of bounded length. */
  readonly name: string;
}

/** The lines that were left out: how many by why, and the first of them by name. */
export interface LeftOut {
  readonly counts: ReadonlyMap<Fault, number>;
  readonly lines: readonly FaultyLine[];
}

/** Counts faults; one for each decoding. */
export interface FaultCount {
  add(line: FaultyLine): void;
  readonly leftOut: LeftOut;
}

export const NONE_LEFT_OUT: LeftOut = { counts: new Map(), lines: [] };

export function countFaults({ counts: before, lines: named }: LeftOut = NONE_LEFT_OUT): FaultCount {
  const counts = new Map(before);
  const lines = [...named];
  return {
    add: ({ why, name }) => {
      counts.set(why, (counts.get(why) ?? 0) + 1);
      if (lines.length < MAX_LEFT_OUT_NAMED) lines.push({ why, name: clean(name.slice(0, MAX_FILE_NAME)) });
    },
    leftOut: { counts, lines },
  };
}
