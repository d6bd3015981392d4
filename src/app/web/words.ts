import type { Reason } from '../../bytes/refusal.ts';
import type { RefusedThing } from '../../disk/records/news-record.ts';
import { KINDS } from '../../http/reply/kinds.ts';
import type { ConditionName } from '../../ports/conditions.ts';
import type { JournalEntry } from '../../ports/records.ts';
import { normalizeName } from '../../pypi/names.ts';
import type { Happening } from '../../web/happenings.ts';

// What is known by one word, in sentences for somebody who knows neither TUF nor this mirror. None of them names a path or an address of the
// machine: whoever may ask for a package may read them.

/** Characters of a refusal's own words. */
const MOST_QUOTED = 300;

interface Told {
  readonly says: string;
  readonly next: string;
}

const STATUS = 'Whoever runs this mirror finds the details with: verbatim status';

/** By condition; those that a setting asked for are no trouble and have no row. */
const CONDITIONS_SAY: Readonly<Partial<Record<ConditionName, Told>>> = {
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
    says: 'The clock of this machine and that of upstream differ by more than five minutes.',
    next: 'Set the one that is wrong: by a wrong clock nobody can tell what has expired.',
  },
  disk: { says: 'The disk is nearly full.', next: 'Make room, or lower cache.max_bytes.' },
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

export function conditionSays(what: ConditionName): Told | undefined {
  return CONDITIONS_SAY[what];
}

/** What a refusal says by itself, and what to do. */
export function reasonSays(reason: Reason): Told {
  const { happened, kept = '', next } = KINDS[reason];
  return { says: kept === '' ? happened : `${happened} ${kept}`, next };
}

const SUBJECT_SAYS: Readonly<Record<string, string>> = {
  root: 'the list of keys (root)',
  timestamp: 'the list of what is newest (timestamp)',
  snapshot: 'the list of versions (snapshot)',
  targets: 'the list of what is signed (targets)',
  delegated: 'a delegated list',
  list: 'the list of all projects',
  state: 'stored state of this mirror',
  request: 'a request',
};

export function refusalHappening({ at, index, reason, subject, thing, message, from }: RefusedThing): Happening {
  const { says, next } = reasonSays(reason);
  const project = subject === 'page' ? normalizeName(thing) : undefined;
  // What our own state says of itself may name paths.
  const quoted = KINDS[reason].quotes === true && from === 'upstream' && subject !== 'state' ? clipped(message) : '';
  const named = SUBJECT_SAYS[subject];
  return {
    at,
    index,
    kind: 'refused',
    reason,
    project,
    thing: named === undefined ? thing : named,
    says: from === 'disk' ? 'Something stored here no longer proves, and is not served.' : says,
    next,
    detail: quoted,
  };
}

const CHANGES_SAY: Readonly<Record<JournalEntry['kind'], Told>> = {
  removed: {
    says: 'Upstream lists it no more, and neither does this mirror.',
    next: 'Lock files that name it need another version.',
  },
  returned: { says: 'Upstream lists it again.', next: '' },
  joined: {
    says: 'A file was added to a release that had been seen here before.',
    next: 'Look at it twice: honest releases seldom grow.',
  },
  yanked: { says: 'Its author took it back: installers use it only where it is named exactly.', next: '' },
  unyanked: { says: 'It was taken back once, and is offered again.', next: '' },
  quarantined: {
    says: 'Upstream put it in quarantine: it may be malicious, and is not served.',
    next: 'Find out who has it.',
  },
  changed: {
    says: 'Upstream states another digest than was seen first; the first one holds.',
    next: reasonSays('changed').next,
  },
  regressed: { says: 'Upstream went back to an older state, or says less than before.', next: '' },
  refused: {
    says: 'What upstream says now contradicts what was seen before, and is not believed.',
    next: 'See verbatim events and verbatim accept-change.',
  },
  accepted: { says: 'Whoever runs this mirror accepted a change by hand.', next: '' },
};

export function changeHappening({ at, index, kind, project, file, reason, before, after }: JournalEntry): Happening {
  const { says, next } = CHANGES_SAY[kind];
  const change = before !== undefined && after !== undefined ? `Before: ${before}; now: ${after}.` : '';
  const why = kind === 'accepted' || kind === 'quarantined' ? reason : undefined;
  const all = [says, why === undefined ? '' : `It was said why: ${clipped(why)}.`];
  return {
    at,
    index,
    kind,
    reason: undefined,
    project: normalizeName(project),
    thing: file ?? project,
    says: all.filter((part) => part !== '').join(' '),
    next,
    detail: kind === 'changed' ? clipped(change) : '',
  };
}

function clipped(text: string): string {
  return text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED)}…` : text;
}
