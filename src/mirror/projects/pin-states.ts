import { agree, type Digests } from '../../bytes/digest.ts';
import { dateText, type Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Pin } from '../../ports/index-state.ts';
import type { JudgedFile, JudgedPage } from '../../pypi/listing.ts';
import { isVariants } from '../../pypi/names.ts';
import type { Observation } from '../believed.ts';

type Entry = JudgedFile['entry'];
type KnownPins = ReadonlyMap<string, Pin>;

// A pin's life. Pure: what a pin becomes is decided here, and written by pins.ts.
//
//   no pin ──listed by a page that came once──▶ seen ──bytes proved──▶ proved ──listed by another fetch──▶ confirmed
//     │                                           └──sent to a client─────┴──sent to a client───────────────▲   ▲
//     └──────listed by a page that signatures vouch for─────────────────────────────────────────────────────────┘
//
//   seen, proved   `provisional`: gives way to a page that came twice and lists other digests
//   confirmed      withholds every file that contradicts it; only an operator's audited act replaces it
//
// Core metadata that a confirmed file had not is pinned once it was compared with the file (a wheel holds its own), or, of
// a file that holds none, once signatures or a second look vouch for it.

/** When, and after what, a file was first seen. */
interface FirstSeen {
  readonly now: Instant;
  /** The last time that its page was seen without it. */
  readonly absent: Instant | undefined;
  readonly joined: boolean;
  /** By whose word, where its page states no digest of it and a signed manifest does. */
  readonly carried?: JudgedFile['carried'];
}

/** The pin of a file name that had none. */
export function firstPin(entry: Entry, { final, fetch }: Observation, first: FirstSeen): Pin {
  const { now, absent, joined, carried } = first;
  const sha256 = carried === undefined ? undefined : entry.digests.get('sha256');
  if (sha256 !== undefined) return sightPin(sha256, now);
  const core = coreMetadataOf(entry);
  const { digests, uploadTime } = entry;
  return {
    digests,
    seen: now,
    ...(core === undefined ? {} : { coreMetadata: core }),
    ...(final ? {} : { provisional: true, fetch }),
    ...(uploadTime === undefined ? {} : { uploadTime }),
    ...(absent === undefined ? {} : { absent: Math.min(absent, now) }),
    ...(joined ? { joined } : {}),
  };
}

/** The pin of a file whose page states no digest of it, once it was looked into or a signed manifest named it: confirmed, as nobody will say more of it. */
export function sightPin(sha256: string, seen: Instant): Pin {
  return { digests: new Map([['sha256', sha256]]), seen, proved: true, firstSight: true };
}

/** The pin with what it did not know yet; undefined where there is nothing to add. */
export function extended(pin: Pin, entry: Entry, observation: Observation): Pin | undefined {
  const isOpen = !isLate(pin, entry) || (!isWheel(entry) && isVouched(observation));
  const core = pin.coreMetadata ?? (isOpen ? coreMetadataOf(entry) : undefined);
  const isNew = [...entry.digests.keys()].some((algorithm) => !pin.digests.has(algorithm));
  if (!isNew && core === pin.coreMetadata) return undefined;
  return {
    digests: new Map([...entry.digests, ...pin.digests]),
    seen: pin.seen,
    ...(core === undefined ? {} : { coreMetadata: core }),
  };
}

/** The file is another one than the pin's: it is not served. */
export function contradicts({ digests }: Pin, entry: Entry): boolean {
  return !agree(digests, entry.digests);
}

/** The file is the pin's, its core metadata is not: that is not announced. */
export function contradictsCoreMetadata({ coreMetadata }: Pin, entry: Entry): boolean {
  const stated = coreMetadataOf(entry);
  return coreMetadata !== undefined && stated !== undefined && !agree(coreMetadata, stated);
}

/** Core metadata is announced for a confirmed file that had none: nothing says yet that it is the file's. */
export function isLate({ provisional, coreMetadata }: Pin, entry: Entry): boolean {
  return provisional !== true && coreMetadata === undefined && coreMetadataOf(entry) !== undefined;
}

/** Late core metadata of a file that nothing in the file can be compared with, and that only one look has seen. */
export function isUncomparable(pin: Pin, entry: Entry, observation: Observation): boolean {
  return isLate(pin, entry) && !isWheel(entry) && !isVouched(observation);
}

function isVouched({ final, repeated }: Observation): boolean {
  return final || repeated;
}

/** A wheel holds its core metadata (PEP 658). */
export function isWheel({ filename }: Entry): boolean {
  return filename.endsWith('.whl');
}

/** Only the first sight of something else: a page that two fetches agree on, or that is signed, replaces it. */
export function givesWay(pin: Pin, entry: Entry, observation: Observation): boolean {
  if (!isVouched(observation) || pin.provisional !== true) return false;
  return contradicts(pin, entry) || contradictsCoreMetadata(pin, entry);
}

/** The last time that is known at which a page was seen without what has no pin yet. */
export function seenWithout(
  known: KnownPins,
  looked: Instant | undefined,
  { before }: Observation,
): Instant | undefined {
  let last = Math.max(looked ?? Number.NEGATIVE_INFINITY, before ?? Number.NEGATIVE_INFINITY);
  for (const { seen } of known.values()) if (seen > last) last = seen;
  return Number.isFinite(last) ? last : undefined;
}

/** What stands in the place of a pin that gave way: it begins anew, and was other bytes when that was seen. */
export function replacement(
  { seen }: Pin,
  { digests, uploadTime }: Entry,
  { final, fetch }: Observation,
  now: Instant,
): Pin {
  return {
    digests,
    seen: now,
    ...(final ? {} : { provisional: true, fetch }),
    ...(uploadTime === undefined ? {} : { uploadTime }),
    absent: Math.min(seen, now),
  };
}

/** Signed; or proved, and listed by two fetches: the one that pinned it and another, or one page that came twice. */
export function isConfirmable(pin: Pin | undefined, entry: Entry, { final, fetch, repeated }: Observation): boolean {
  if (pin?.provisional !== true || contradicts(pin, entry)) return false;
  if (final) return true;
  if (pin.proved !== true) return false;
  return repeated || (pin.fetch !== undefined && pin.fetch !== fetch);
}

/** No pin, known or to come, stands against any file of a page that is seen so. */
export function forbidsNothing(known: KnownPins, { files }: JudgedPage, observation: Observation): boolean {
  for (const { entry } of files.values()) {
    const pin = known.get(entry.filename);
    if (pin === undefined || entry.digests.size === 0 || isVariants(entry.filename)) continue;
    if (contradicts(pin, entry) || contradictsCoreMetadata(pin, entry) || isUncomparable(pin, entry, observation))
      return false;
  }
  return true;
}

/** Every file of a page has the pin that lets it be served. `observation`: and nothing of it would be silenced, seen so. */
export function allAllow(known: KnownPins, listing: JudgedPage, observation?: Observation): boolean {
  for (const { entry } of listing.files.values()) {
    const pin = known.get(entry.filename);
    if (isVariants(entry.filename) || (entry.digests.size === 0 && pin === undefined)) continue;
    if (pin === undefined || contradicts(pin, entry) || contradictsCoreMetadata(pin, entry)) return false;
    if (observation !== undefined && isUncomparable(pin, entry, observation)) return false;
  }
  return true;
}

/** Why a file (or its core metadata) is withheld. */
export function contradiction(
  subject: 'file' | 'core-metadata',
  name: string,
  { seen, fetch }: Pin,
  pinned: Digests,
  offered: Digests,
): Refusal {
  const first = dateText(seen);
  const back =
    fetch === undefined
      ? ''
      : ` It was first seen by fetch ${fetch}; if that one was wrong, verbatim accept-change INDEX --revoke-fetch ${fetch} takes back what it brought.`;
  return new Refusal(
    'changed',
    `${name} was first seen on ${first} with digest ${firstOf(pinned)}; upstream now lists ${firstOf(offered)}. A published file never changes, so it is not served.${back}`,
    { subject },
  );
}

/** Of an index whose files may be replaced. */
export const UNPINNED = 'unpinned';

/** Names pins, and how the page was seen that is judged by them. */
export function identityOf(pins: string, { final, fetch = '', repeated }: Observation): string {
  return [pins, final ? 'final' : repeated ? 'repeated' : 'once', fetch].join(' ');
}

export function contradictionOfCoreMetadata(filename: string, pin: Pin, stated: Digests | undefined): Refusal {
  const before = pin.coreMetadata ?? new Map();
  return contradiction('core-metadata', `${filename}.metadata`, pin, before, stated ?? new Map());
}

/** Why core metadata is not announced that came later than the file. */
export function lateCoreMetadata({ filename }: Entry): Refusal {
  return new Refusal(
    'changed',
    `${filename} was confirmed here without core metadata, and upstream announces some now. It is announced here once a second look at the page agrees.`,
    { subject: 'core-metadata', transient: true },
  );
}

export function coreMetadataOf({ coreMetadata }: Entry): Digests | undefined {
  return typeof coreMetadata === 'object' ? coreMetadata : undefined;
}

function firstOf(digests: Digests): string {
  const [first] = digests;
  return first === undefined ? 'none' : `${first[0]} ${first[1]}`;
}
