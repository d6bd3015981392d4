import { daysText, type Instant, untilText } from '../../bytes/instant.ts';
import { REASONS, type Reason } from '../../bytes/refusal.ts';
import type { IndexStatus } from '../../mirror/package-index.ts';
import type { Facts, Trouble } from './verdict.ts';
import { reasonSays, type Told } from './words.ts';

const DAY = 86_400;
/** So long before the end of what people sign by hand somebody should ask them. */
const SOON = 14 * DAY;
/** How far behind its interval an index may be while upstream is asked and cannot be heard. */
const ROUNDS = 3;
const STATUS = '"verbatim status" says more';

export interface Judged {
  /** Of each index: seconds for which what upstream said counts as fresh; undefined where nobody is asked. */
  readonly freshFor: ReadonlyMap<string, number>;
  /** What was never heard counts from here; undefined where no server runs, which alone knows whom it heard. */
  readonly startedAt: Instant | undefined;
}

/** What is not well with one index. */
export function troublesOf(status: IndexStatus, facts: Facts, known: Judged): readonly Trouble[] {
  if (status.refusesAll === true) return [broken(status, 'state', DAMAGED)];
  const { name, roles, carried } = status;
  const asOf = carried?.reference ?? facts.judged;
  const ended = roles.filter(({ expires }) => expires <= asOf).map(({ role }) => role);
  const ending = roles.filter(
    ({ role, expires }) => (role === 'root' || role === 'targets') && expires > asOf && expires - asOf < SOON,
  );
  // Where upstream is asked, whoever asks next has newer ones, unless they could not be had.
  const stays = !known.freshFor.has(name) || failureOf(status) !== undefined;
  const things = facts.tampered.find(({ index }) => index === name)?.things ?? 0;
  return [
    ...(ended.length > 0 && stays ? [broken(status, 'expired', expired(ended))] : []),
    ...(carried?.age !== undefined && carried.most !== undefined && carried.age > carried.most
      ? [broken(status, 'import-age', tooOld(carried.age, carried.most))]
      : []),
    ...unheard(status, facts.now, known),
    ...(things > 0 ? [toKnow(status, 'refused', tampering(things))] : []),
    ...ending.map(({ role }) => toKnow(status, 'ending', endingSoon(role))),
  ];
}

/** Nothing of it is served, or nothing on it. */
function broken({ name: index }: IndexStatus, what: string, told: Told): Trouble {
  return { what, index, breaks: true, level: 'bad', ...told };
}

function toKnow({ name: index }: IndexStatus, what: string, told: Told): Trouble {
  return { what, index, breaks: false, level: 'warn', ...told };
}

/** Why the last look brought nothing that was believed; undefined where it did. */
function failureOf({ lastError, lastRefresh }: IndexStatus): IndexStatus['lastError'] {
  const isLast = lastError !== undefined && lastError.at > (lastRefresh ?? -1);
  return isLast && lastError.reason !== 'offline' ? lastError : undefined;
}

/**
 * An index that nobody has asked for is behind in nothing: only a look that failed makes what is held stale. One that nothing was heard of since
 * the start may have a wrong address.
 */
function unheard(status: IndexStatus, now: Instant, { freshFor, startedAt }: Judged): readonly Trouble[] {
  const { name, lastRefresh, silent } = status;
  const failed = failureOf(status);
  const away = lastRefresh === undefined ? NEVER_HEARD : AWAY;
  const fresh = freshFor.get(name);
  if (failed === undefined) {
    if (silent) return [toKnow(status, 'away', away)];
    const isDue = fresh !== undefined && startedAt !== undefined && lastRefresh === undefined;
    return isDue ? [toKnow(status, 'unheard', NOTHING_HEARD)] : [];
  }
  const kind = kindOf(failed);
  if (fresh === undefined || now - Math.max(lastRefresh ?? 0, startedAt ?? now) <= ROUNDS * fresh)
    return [
      kind === 'away'
        ? toKnow(status, kind, away)
        : toKnow(status, kind === 'refused' ? failed.reason : kind, UNHEARD[kind](failed.reason)),
    ];
  const since =
    lastRefresh === undefined ? 'and has not since the start' : `and did last ${untilText(lastRefresh, now)}`;
  const says = `${STALE[kind]}, ${since} [${failed.reason}]: what is held is served as long as it may be.`;
  const isNew = kind === 'away' && lastRefresh === undefined;
  const next = isNew ? NEVER_HEARD.next : `${STATUS}, with the reason (docs/runbooks/VerbatimStale.md).`;
  return [{ what: 'stale', index: name, breaks: true, level: 'warn', says, next }];
}

/** Whose fault it is that nothing new is believed: upstream is away, this machine fails, or what upstream said was refused. */
type Failure = 'away' | 'unkept' | 'refused';

const SAYS_NOTHING: ReadonlySet<string> = new Set<Reason>(['unreachable', 'slow']);

function kindOf({ reason, subject }: NonNullable<IndexStatus['lastError']>): Failure {
  if (SAYS_NOTHING.has(reason)) return 'away';
  return reason === 'state' || subject === 'state' ? 'unkept' : 'refused';
}

const AWAY: Told = {
  says: 'Upstream does not answer. What is held is served.',
  next: 'Nothing, if it comes back soon. New releases, and takings back, are not seen meanwhile.',
};

const NOTHING_HEARD: Told = {
  says: 'Nothing has come from upstream yet that only a package index says: its address may be wrong.',
  next: 'Install something through this mirror, or run "verbatim doctor", which tries the address. With the first page that comes this is over; if none comes, set the right one (upstream).',
};

const NEVER_HEARD: Told = {
  says: 'Upstream does not answer, and has not since the start. What is held is served.',
  next: 'Look whether its address is right: "verbatim doctor" tries it, and says what fails. If it is, upstream is away: nothing new is had until it is back.',
};

const UNHEARD: Readonly<Record<Exclude<Failure, 'away'>, (reason: string) => Told>> = {
  unkept: (reason) => ({
    says:
      reason === 'clock'
        ? "Upstream is not asked: this machine's clock cannot be believed. What was proved before is served."
        : 'What upstream said last could not be written down on this machine. What was proved before is served.',
    next: `Look at this machine, not at upstream: its ${reason === 'clock' ? 'clock' : 'disk'}; ${STATUS}.`,
  }),
  refused: (reason) => {
    const known = REASONS.find((each) => each === reason);
    const said = known === undefined ? { says: 'It was refused.', next: '' } : reasonSays(known);
    return {
      says: 'What upstream said last was not believed. What was proved before is served.',
      next: `${said.says} ${said.next}`.trimEnd(),
    };
  },
};

const STALE: Readonly<Record<Failure, string>> = {
  away: 'Nothing comes from upstream',
  unkept: 'Nothing that upstream says can be written down on this machine',
  refused: 'Nothing that upstream says can be believed',
};

const DAMAGED: Told = {
  says: 'Nothing of it is served: what is stored of this index cannot be believed.',
  next: `Restore it from a backup; ${STATUS}, and which command gives up what is lost.`,
};

function expired(roles: readonly string[]): Told {
  return {
    says: `Signed metadata has expired (${roles.join(', ')}), and newer could not be had: nothing new is served on it.`,
    next: `The index has to sign anew, or cannot be reached; ${STATUS} (docs/runbooks/VerbatimRootExpiring.md).`,
  };
}

function tooOld(age: number, most: number): Told {
  return {
    says: `What was imported is ${daysText(age)} old, and may be ${daysText(most)} (import.max_age): installers get 503.`,
    next: 'Import a newer bundle (docs/runbooks/VerbatimImportOld.md).',
  };
}

function tampering(count: number): Told {
  const was =
    count === 1
      ? 'One thing that upstream sent in the last hour was'
      : `${count} things that upstream sent in the last hour were`;
  return {
    says: `${was} not what was promised. Nothing of it was handed out.`,
    next: 'See what it was (/events). If it stays so, tell the operators of that index, and keep the log: somebody may be tampering (docs/runbooks/VerbatimRefusing.md).',
  };
}

function endingSoon(role: string): Told {
  return {
    says: `The ${role} list of this index ends within two weeks.`,
    next: 'Its owners have to sign it anew before that: ask them whether they know (docs/runbooks/VerbatimRootExpiresSoon.md).',
  };
}
