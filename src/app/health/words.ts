import type { Reason } from '../../bytes/refusal.ts';
import { KINDS } from '../../http/reply/kinds.ts';
import type { CONDITIONS, ConditionName } from '../../ports/conditions.ts';

// What is known by one word, in sentences for somebody who knows neither TUF nor this mirror. None of them names a path or an address of the
// machine: whoever may ask for a package may read them.

export interface Told {
  readonly says: string;
  readonly next: string;
}

const STATUS = '"verbatim status" says more, under "To know".';

/** What hurts, or will: what a setting asked for is no trouble. */
type Warning = { [Name in ConditionName]: (typeof CONDITIONS)[Name] extends 'warn' ? Name : never }[ConditionName];

const CONDITIONS_SAY: Readonly<Record<Warning, Told>> = {
  'clear-text-passwords': {
    says: 'Passwords travel to this mirror unencrypted.',
    next: 'Set server.tls, or put a proxy that speaks TLS before it.',
  },
  'insecure-upstream': {
    says: 'Upstream is read without TLS: whoever is on the way can withhold and delay.',
    next: 'Give upstream an address that begins with https.',
  },
  'exposed-secret': { says: 'A file with a secret can be read by others on that machine.', next: STATUS },
  redis: {
    says: 'The Redis that replicas share is away; each works alone, and nothing is served that was not proved.',
    next: 'Bring Redis back. Nothing else has to be done.',
  },
  'redis-unsealed': {
    says: 'Replicas cannot share pages, because there is no key to seal them with.',
    next: 'Set seal_key_file on all replicas.',
  },
  certificate: {
    says: 'The TLS certificate of this mirror ends soon, or does not hold.',
    next: 'Renew it, and send SIGHUP.',
  },
  clock: {
    says: "This machine's clock and upstream's are more than five minutes apart: what expires is judged by it.",
    next: 'Set the one that is wrong (docs/runbooks/VerbatimClock.md).',
  },
  disk: {
    says: 'The disk is nearly full: what is held is served, and nothing new once nothing fits.',
    next: 'Make room, or lower cache.max_bytes (docs/runbooks/VerbatimDiskFull.md).',
  },
  unwritable: {
    says: 'The disk cannot be written to: what is held is served, and nothing new can be kept.',
    next: STATUS,
  },
  'access-record': {
    says: 'Who is sent what cannot be written down: the question who has a file may have no full answer.',
    next: STATUS,
  },
  'requests-record': {
    says: 'What is asked for and refused by policy cannot be written down: the list of requests may lack some.',
    next: STATUS,
  },
  bucket: { says: 'The bucket that files are kept in cannot be had.', next: STATUS },
  'bucket-behind': { says: 'Some files were never uploaded to the bucket.', next: STATUS },
  'bucket-unfit': { says: 'The bucket does not do all that is needed of it.', next: STATUS },
  redirects: { says: 'Large files are had from the bucket itself, where nothing proves what leaves.', next: STATUS },
  partitioned: {
    says: 'The store that replicas share is away: this one serves what it holds, and believes nothing new.',
    next: 'Bring the store back.',
  },
  'fleet-grows': { says: 'The log that replicas share was not cut when it was due.', next: STATUS },
  peer: { says: 'Another replica does not hand out its files; upstream is asked instead.', next: STATUS },
  advisories: {
    says: 'What is known of malware and vulnerabilities is old, or cannot be read.',
    next: STATUS,
  },
  'sigstore-root': {
    says: 'What is believed of Sigstore is old: who published newer files cannot be checked here.',
    next: STATUS,
  },
  'import-age': { says: 'The last bundle that was imported is old.', next: 'Carry and import a newer one.' },
};

/** Undefined where it is no trouble; also of one that only another release knows. */
export function conditionSays(what: string): Told | undefined {
  return isWarning(what) ? CONDITIONS_SAY[what] : undefined;
}

function isWarning(what: string): what is Warning {
  return Object.hasOwn(CONDITIONS_SAY, what);
}

/** What a refusal says by itself, and what to do. */
export function reasonSays(reason: Reason): Told {
  const { happened, kept = '', next } = KINDS[reason];
  return { says: kept === '' ? happened : `${happened} ${kept}`, next };
}
