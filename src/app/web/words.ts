import type { RefusedThing } from '../../disk/records/news-record.ts';
import { KINDS } from '../../http/reply/kinds.ts';
import type { JournalEntry } from '../../ports/records.ts';
import { normalizeName } from '../../pypi/names.ts';
import type { Happening } from '../../web/happenings.ts';
import { reasonSays, type Told } from '../health/words.ts';

// What is known by one word, in sentences for somebody who knows neither TUF nor this mirror. None of them names a path or an address of the
// machine: whoever may ask for a package may read them.

/** Characters of a refusal's own words. */
const MOST_QUOTED = 300;

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
  const { says, next } = from === 'disk' ? diskSays(reason) : reasonSays(reason);
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
    says,
    next,
    detail: quoted,
  };
}

function diskSays(reason: RefusedThing['reason']): Told {
  if (reason === 'limit')
    return {
      says: 'This machine had no room for it: nothing was kept of it, and whoever asked was told to come again.',
      next: 'Make room, or lower cache.max_bytes (docs/runbooks/VerbatimDiskFull.md).',
    };
  return { says: 'Something stored here no longer proves, and is not served.', next: reasonSays(reason).next };
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
