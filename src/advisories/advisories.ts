import { BoundedMap } from '../bytes/bounded-map.ts';
import type { Instant } from '../bytes/instant.ts';
import { type Affects, affects, fixedIn } from './affected.ts';
import { UNPACKED_PROJECTS } from './limits.ts';
import { type Packed, type PackedPlace, unpack } from './packed.ts';
import { isMalware } from './record.ts';

/** One advisory about one project. */
export interface Known {
  readonly id: string;
  /** As it was written. */
  readonly modified: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly malware: boolean;
  readonly affects: Affects;
  /** Versions that are stated to mend it, each in the spelling of `versionKey`. */
  readonly fixedIn: ReadonlySet<string>;
}

/** Where a record lies in its archive. */
export interface RecordPlace {
  readonly offset: number;
  readonly compressed: number;
  readonly size: number;
  readonly method: number;
  readonly crc: number;
}

/** What a feed came to. */
export interface Totals {
  /** Of Python packages, withdrawn ones among them. */
  readonly records: number;
  readonly malware: number;
  readonly withdrawn: number;
  /** Of other ecosystems alone. */
  readonly foreign: number;
  readonly unreadable: number;
  /** The first of those, and why. */
  readonly named: readonly { readonly name: string; readonly why: string }[];
  /** When the newest of them was changed. */
  readonly newest: Instant | undefined;
}

const NONE: readonly Known[] = [];

/** All that one feed tells of. Never changes. */
export class Advisories {
  readonly totals: Totals;
  readonly #bytes: Uint8Array;
  readonly #projects: ReadonlyMap<string, PackedPlace>;
  readonly #records: ReadonlyMap<string, RecordPlace>;
  readonly #unpacked = new BoundedMap<readonly Known[]>({ entries: UNPACKED_PROJECTS });

  constructor(totals: Totals, { bytes, places }: Packed, records: ReadonlyMap<string, RecordPlace>) {
    this.totals = totals;
    this.#bytes = bytes;
    this.#projects = new Map(places);
    this.#records = records;
  }

  get projects(): Iterable<string> {
    return this.#projects.keys();
  }

  /** Changes with what is known of the project; empty where nothing is. */
  mark(project: string): string {
    return this.#projects.get(project)?.mark ?? '';
  }

  /** Every advisory about the project, by its normalized name. */
  of(project: string): readonly Known[] {
    const place = this.#projects.get(project);
    if (place === undefined) return NONE;
    const known = this.#unpacked.get(project) ?? unpack(this.#bytes.subarray(place.start, place.end)).map(knownOf);
    this.#unpacked.set(project, known);
    return known;
  }

  /** Those that speak of the version. */
  about(project: string, version: string): readonly Known[] {
    return this.of(project).filter(({ affects }) => affects(version));
  }

  /** Where the record lies in its archive. */
  place(id: string): RecordPlace | undefined {
    return this.#records.get(id);
  }
}

function knownOf({ id, affected, ...told }: ReturnType<typeof unpack>[number]): Known {
  const each = affected.map(affects);
  return {
    id,
    ...told,
    malware: isMalware(id),
    affects: (version) => each.some((speaksOf) => speaksOf(version)),
    fixedIn: fixedIn(affected.flatMap(({ ranges }) => ranges)),
  };
}
