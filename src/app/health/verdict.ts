import { daysText, type Instant, untilText } from '../../bytes/instant.ts';
import type { IndexStatus } from '../../mirror/package-index.ts';
import type { StatusReport } from '../status.ts';

/** What the verdict is made of. */
export type Facts = Pick<StatusReport, 'now' | 'judged' | 'indexes' | 'disk'> & {
  readonly conditions: readonly { readonly what: string; readonly index: string }[];
};

/** What is not as promised. Closed: monitors go by it. */
export type FindingKind = 'stale' | 'expired' | 'state' | 'import-age' | 'clock' | 'quarantine';

export interface Finding {
  readonly what: FindingKind;
  /** Whose it is; empty where all share it. */
  readonly index: string;
  /** In words of this program alone: nothing that an upstream said, no path and no address. */
  readonly message: string;
  /** What to do. */
  readonly next: string;
}

/** How far behind its interval an index may be while upstream is asked and cannot be heard. */
const ROUNDS = 3;

interface Judged {
  /** Of each index: seconds for which what upstream said counts as fresh; undefined where nobody is asked. */
  readonly freshFor: ReadonlyMap<string, number>;
  /** What was never heard counts from here. */
  readonly startedAt: Instant;
}

/** Whether what this mirror promises holds: what it serves is fresh, its clock is sane, and nothing that it stored has changed. */
export function findingsOf({ now, judged, indexes, disk, conditions }: Facts, known: Judged): readonly Finding[] {
  return [
    ...indexes.flatMap((index) => ofIndex(index, now, judged, known)),
    ...conditions.filter(({ what }) => what === 'clock').map(({ index }) => clockFinding(index)),
    ...(disk.some(({ part, bytes }) => part === 'quarantine' && bytes > 0) ? [QUARANTINE] : []),
  ];
}

const STATUS = '"verbatim status" says more';

function clockFinding(index: string): Finding {
  return {
    what: 'clock',
    index,
    message: "This machine's clock and upstream's are minutes apart: what expires is judged by it.",
    next: `Set the one that is wrong; ${STATUS} (docs/runbooks/VerbatimClock.md).`,
  };
}

const QUARANTINE: Finding = {
  what: 'quarantine',
  index: '',
  message: 'A stored file was not what it was proved to be; none of it was sent, and it lies set aside.',
  next: 'Run "verbatim verify", find out who or what wrote there, then delete what lies in quarantine/ (docs/runbooks/VerbatimQuarantined.md).',
};

function ofIndex(status: IndexStatus, now: Instant, judged: Instant, known: Judged): readonly Finding[] {
  const { name: index, roles, carried, lastError } = status;
  if (lastError?.reason === 'state')
    return [
      {
        what: 'state',
        index,
        message: 'What is stored of this index cannot be believed, and nothing of it is served.',
        next: `${STATUS}, and which command gives up what is lost.`,
      },
    ];
  const expired = roles.filter(({ expires }) => expires <= (carried?.reference ?? judged)).map(({ role }) => role);
  // Where upstream is asked, whoever asks next has newer ones, unless they could not be had.
  const stays = !known.freshFor.has(index) || hasFailed(status);
  return [
    ...(expired.length > 0 && stays ? [expiredFinding(index, expired)] : []),
    ...(carried?.age !== undefined && carried.most !== undefined && carried.age > carried.most
      ? [importFinding(index, carried.age, carried.most)]
      : []),
    ...stale(status, now, known),
  ];
}

function expiredFinding(index: string, roles: readonly string[]): Finding {
  return {
    what: 'expired',
    index,
    message: `Signed metadata has expired (${roles.join(', ')}): nothing new is served on it.`,
    next: `The index has to sign anew, or cannot be reached; ${STATUS} (docs/runbooks/VerbatimRootExpiring.md).`,
  };
}

function importFinding(index: string, age: number, most: number): Finding {
  return {
    what: 'import-age',
    index,
    message: `What was imported is ${daysText(age)} old, and may be ${daysText(most)} (import.max_age): installers get 503.`,
    next: 'Import a newer bundle (docs/runbooks/VerbatimImportOld.md).',
  };
}

/** An index that nobody has asked for is behind in nothing: only a look that failed makes what is held stale. */
function stale(
  { name: index, lastError, lastRefresh }: IndexStatus,
  now: Instant,
  { freshFor, startedAt }: Judged,
): readonly Finding[] {
  const fresh = freshFor.get(index);
  if (fresh === undefined || lastError === undefined || !hasFailed({ lastError, lastRefresh })) return [];
  if (now - Math.max(lastRefresh ?? 0, startedAt) <= ROUNDS * fresh) return [];
  const since = lastRefresh === undefined ? 'since the start' : `since ${untilText(lastRefresh, now)}`;
  return [
    {
      what: 'stale',
      index,
      message: `Nothing that upstream says could be believed, or nothing came, ${since} [${lastError.reason}]: what is held is served as long as it may be.`,
      next: `${STATUS}, with the reason (docs/runbooks/VerbatimStale.md).`,
    },
  ];
}

/** The last look brought nothing that was believed. */
function hasFailed({ lastError, lastRefresh }: Pick<IndexStatus, 'lastError' | 'lastRefresh'>): boolean {
  return lastError !== undefined && lastError.reason !== 'offline' && lastError.at > (lastRefresh ?? -1);
}
