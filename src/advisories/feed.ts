import type { Instant } from '../bytes/instant.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { ZipMember } from '../pypi/inspect/zip-directory.ts';
import { Advisories, type RecordPlace, type Totals } from './advisories.ts';
import { membersOf, placeOf, unpacked } from './archive.ts';
import { MAX_ARCHIVE, MAX_ID, MAX_NAMED, RECORDS_A_STEP } from './limits.ts';
import { type Packed, Packer } from './packed.ts';
import { type Advisory, isMalware, readAdvisory } from './record.ts';

/** Records of Python packages, and where each lies in the archive. */
export type Places = readonly (readonly [id: string, place: RecordPlace])[];

/** What one step of reading came to; `done` with the last. */
export interface Step {
  readonly places: Places;
  readonly done: boolean;
}

/** Reads one archive, some records a step. */
export class FeedReader {
  readonly #archive: Uint8Array;
  readonly #members: readonly ZipMember[];
  readonly #now: Instant;
  readonly #packer = new Packer();
  readonly #ids = new Set<string>();
  readonly #named: { name: string; why: string }[] = [];
  #at = 0;
  #records = 0;
  #malware = 0;
  #withdrawn = 0;
  #foreign = 0;
  #unreadable = 0;
  #newest: Instant | undefined;

  /** Refuses `format` for what is no whole archive, and `limit`. `now`: nothing that claims to be newer tells how old the feed is. */
  constructor(archive: Uint8Array, now: Instant) {
    if (archive.byteLength > MAX_ARCHIVE) throw refused('limit', `has more than ${MAX_ARCHIVE} bytes`);
    this.#archive = archive;
    this.#now = now;
    try {
      this.#members = membersOf(archive);
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      throw refused(cause.reason, `cannot be read: ${cause.message}`, cause);
    }
  }

  next(): Step {
    const places: (readonly [string, RecordPlace])[] = [];
    for (const member of this.#members.slice(this.#at, this.#at + RECORDS_A_STEP)) {
      const read = this.#read(member);
      if (read !== undefined) places.push(read);
    }
    this.#at += RECORDS_A_STEP;
    return { places, done: this.#at >= this.#members.length };
  }

  /** After the last step. Refuses `format` where no record speaks of a Python package. */
  end(): { readonly totals: Totals; readonly packed: Packed } {
    if (this.#records === 0) {
      const others = this.#foreign > 0 ? `${this.#foreign} are of other ecosystems` : 'there is none at all';
      const broken = this.#unreadable > 0 ? `, ${this.#unreadable} cannot be read` : '';
      throw refused('format', `has no advisory about a Python package: ${others}${broken}`);
    }
    const totals = {
      records: this.#records,
      malware: this.#malware,
      withdrawn: this.#withdrawn,
      foreign: this.#foreign,
      unreadable: this.#unreadable,
      named: this.#named,
      newest: this.#newest,
    };
    return { totals, packed: this.#packer.pack() };
  }

  #read(member: ZipMember): readonly [string, RecordPlace] | undefined {
    try {
      const place = placeOf(this.#archive, member);
      const packed = this.#archive.subarray(place.offset, place.offset + place.compressed);
      const advisory = readAdvisory(unpacked(packed, place));
      if (advisory.modifiedAt === undefined) throw new Refusal('format', 'It does not say when it was changed.');
      if (this.#ids.has(advisory.id)) throw new Refusal('format', `There is another ${advisory.id}.`);
      this.#ids.add(advisory.id);
      return this.#take(advisory, advisory.modifiedAt) ? [advisory.id, place] : undefined;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#unreadable++;
      if (this.#named.length < MAX_NAMED) this.#named.push({ name: member.name.slice(0, MAX_ID), why: error.message });
      return undefined;
    }
  }

  /** False where it speaks of no Python package. */
  #take(advisory: Advisory, modified: Instant): boolean {
    if (advisory.affected.length === 0) {
      this.#foreign++;
      return false;
    }
    this.#packer.add(advisory);
    this.#records++;
    if (advisory.withdrawn) this.#withdrawn++;
    else if (isMalware(advisory.id)) this.#malware++;
    if (modified <= this.#now && modified > (this.#newest ?? 0)) this.#newest = modified;
    return true;
  }
}

/** All of an archive at once, for whoever has the time. Refuses as `FeedReader`. */
export function readFeed(archive: Uint8Array, now: Instant): Advisories {
  const reader = new FeedReader(archive, now);
  const records = new Map<string, RecordPlace>();
  for (let step = reader.next(); ; step = reader.next()) {
    for (const [id, place] of step.places) records.set(id, place);
    if (step.done) break;
  }
  const { totals, packed } = reader.end();
  return new Advisories(totals, packed, records);
}

function refused(reason: Refusal['reason'], how: string, cause?: unknown): Refusal {
  return new Refusal(reason, `The feed of advisories ${how}.`, { subject: 'file', cause });
}
