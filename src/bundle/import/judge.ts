import type { Instant } from '../../bytes/instant.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Carried, CarriedBy, CarriedGeneration } from '../../ports/carried.ts';
import { type Header, timeOf } from '../format/model.ts';
import { openSeal, type TrustedKey } from '../format/seal.ts';
import type { ReadBundle } from './opened.ts';

/** What the importing site says of itself: nothing of it comes from a bundle. */
export interface Site {
  readonly index: string;
  readonly evidence: 'tuf' | 'index';
  readonly keys: readonly TrustedKey[];
  readonly carried: Carried | undefined;
  readonly now: Instant;
}

/** What a bundle is to this site. */
export interface Judged {
  readonly bundle: ReadBundle;
  /** Whose signature is believed; undefined where signatures of roles are all that proves anything in it. */
  readonly key: CarriedBy | undefined;
  /** Why a signature that is there counts for nothing. */
  readonly unbelieved: string | undefined;
  /** What it adds to; undefined for a complete one. */
  readonly base: CarriedGeneration | undefined;
  /** It was imported before: what is missing of it by now is taken, and nothing else. */
  readonly isHere: boolean;
  /** Numbers between the last import and this one that never came; it does not need them. */
  readonly skipped: readonly number[];
}

/** Most of the numbers that are named one by one. */
const NAMED_MOST = 100;

/** Throws Refusal where the bundle is not for this site, is older than what is here, or builds on what never came. */
export function judge(bundle: ReadBundle, site: Site): Judged {
  const { header, manifest } = bundle;
  refuseForeign(header, site);
  const { key, unbelieved } = signer(bundle, site);
  const generations = site.carried?.generations ?? [];
  const last = generations.at(-1);
  const isHere = generations.some((each) => each.manifest === manifest.sha256);
  if (isHere) {
    const base = generations.find((each) => each.manifest === header.base?.manifest);
    return { bundle, key, unbelieved, base, isHere, skipped: [] };
  }
  if (key !== undefined && site.carried !== undefined) refuseOlder(header, manifest.sha256, site.carried);
  const base = baseOf(header, generations);
  const from = last?.number ?? base?.number ?? 0;
  const skipped: number[] = [];
  for (let number = from + 1; number < header.number && skipped.length < NAMED_MOST; number++) skipped.push(number);
  return { bundle, key, unbelieved, base, isHere, skipped };
}

function refuseForeign({ index }: Header, { index: own, evidence }: Site): void {
  if (index.name !== own)
    throw refused('foreign', `This bundle is of the index "${index.name}", and "${own}" is to be imported into.`);
  if (index.evidence !== evidence)
    throw refused(
      'foreign',
      `This bundle carries evidence "${index.evidence}", and the index ${own} is configured for "${evidence}".`,
    );
}

/** Under `tuf` roles prove what they prove, whoever sent them; elsewhere there is nothing but the key. */
function signer(
  { seal, header, manifest }: ReadBundle,
  { keys, now, evidence }: Site,
): Pick<Judged, 'key' | 'unbelieved'> {
  if (seal === undefined) {
    if (evidence === 'tuf') return { key: undefined, unbelieved: undefined };
    throw refused('threshold', 'Nobody signed this bundle, and the index signs nothing: it proves nothing.');
  }
  try {
    const { sealed, key } = openSeal(seal, keys, now);
    const isOfThis =
      sealed.index === header.index.name &&
      sealed.number === header.number &&
      sealed.manifest.sha256 === manifest.sha256 &&
      sealed.manifest.size === manifest.size;
    if (!isOfThis) throw refused('digest', 'The signature of this bundle is over another manifest.');
    return { key: { name: key.name, public: key.public }, unbelieved: undefined };
  } catch (error) {
    const isStrangers = error instanceof Refusal && (error.reason === 'threshold' || error.reason === 'expired');
    if (evidence === 'index' || !isStrangers) throw error;
    return { key: undefined, unbelieved: error.message };
  }
}

function refuseOlder({ number, previous, stateAt }: Header, manifest: string, { generations, floor }: Carried): void {
  if (number < floor)
    throw refused('rollback', `This is bundle ${number}, and ${floor} was imported already: nothing goes back.`);
  const same = generations.find((each) => each.key !== undefined && each.number === number);
  if (same !== undefined && same.manifest !== manifest)
    throw refused('mix-and-match', `Another bundle ${number} was imported already: two senders count apart.`);
  const before = generations.find((each) => each.key !== undefined && each.number === number - 1);
  if (before !== undefined && previous !== before.manifest)
    throw refused(
      'mix-and-match',
      `This bundle follows another number ${number - 1} (manifest ${short(previous)}) than was imported here (${short(before.manifest)}).`,
    );
  const last = generations.findLast((each) => each.key !== undefined);
  if (last !== undefined && timeOf(stateAt) < last.stateAt)
    throw refused(
      'rollback',
      `Bundle ${number} carries an older state than bundle ${last.number}, which was imported.`,
    );
}

/** The generation that it adds to, as this site has it. */
function baseOf({ base, number }: Header, generations: readonly CarriedGeneration[]): CarriedGeneration | undefined {
  if (base === undefined) return undefined;
  const there = generations.find(({ manifest }) => manifest === base.manifest);
  if (there !== undefined) return there;
  const newest = generations.at(-1);
  const other = generations.find((each) => each.number === base.number);
  if (other !== undefined)
    throw refused(
      'mix-and-match',
      `Bundle ${number} builds on another number ${base.number} (manifest ${short(base.manifest)}) than was imported here (${short(other.manifest)}).`,
    );
  const has = newest === undefined ? 'nothing was imported yet' : `the last one here is number ${newest.number}`;
  throw refused(
    'mix-and-match',
    `Bundle ${number} builds on number ${base.number}, which is not here: ${has}. Missing: ${missingText(newest?.number ?? 0, base.number)}. Carry that, or one that builds on what is here (verbatim export --since).`,
  );
}

function missingText(has: number, needs: number): string {
  if (needs <= has) return `number ${needs}, or it went with old imports`;
  const numbers: number[] = [];
  for (let number = has + 1; number <= needs && numbers.length < NAMED_MOST; number++) numbers.push(number);
  return `number${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')}`;
}

function short(sha256 = 'none'): string {
  return sha256.slice(0, 12);
}

function refused(reason: Refusal['reason'], message: string): Refusal {
  return new Refusal(reason, message, { subject: 'request' });
}
