import type { Instant } from '../../bytes/instant.ts';
import { REASONS, type Reason, SECURITY_REASONS } from '../../bytes/refusal.ts';
import type { RefusedThing } from '../../disk/records/news-record.ts';
import type { IndexStatus } from '../../mirror/package-index.ts';
import type { Condition } from '../../ports/conditions.ts';
import type { Trouble } from '../../web/troubles.ts';
import type { Finding } from '../health/verdict.ts';
import { conditionSays, reasonSays } from './words.ts';

const DAY = 86_400;
const HOUR = 3600;
/** So long before the end of what people sign by hand somebody should ask them. */
const SOON = 14 * DAY;

interface Facts {
  readonly indexes: readonly IndexStatus[];
  readonly conditions: readonly Condition[];
  /** What /health says is not as promised. */
  readonly findings: readonly Finding[];
  readonly refusals: readonly RefusedThing[];
  readonly now: Instant;
  /** As of when what expires is judged. */
  readonly judged: Instant;
}

/** What is not well, the worst first; and the one sentence. */
export function verdictOn(facts: Facts): { readonly says: string; readonly troubles: readonly Trouble[] } {
  const { conditions } = facts;
  const all: Trouble[] = [
    ...facts.indexes.flatMap((index) => indexTroubles(index, facts)),
    ...conditions.flatMap(({ what, index }): readonly Trouble[] => {
      const said = conditionSays(what);
      return said === undefined ? [] : [{ what, index, level: 'warn', ...said }];
    }),
  ];
  for (const finding of facts.findings) if (!all.some((each) => isToldBy(each, finding))) all.push(troubleOf(finding));
  const troubles = all.toSorted((one, other) => Number(other.level === 'bad') - Number(one.level === 'bad'));
  const [worst] = troubles;
  return { says: worst === undefined ? 'All is well.' : worst.says, troubles };
}

/** Nothing is served on it, or of it. */
const NOT_SERVED: ReadonlySet<Finding['what']> = new Set<Finding['what']>(['state', 'expired', 'import-age']);

/** As people are told. */
export function troubleOf({ what, index, message, next }: Finding): Trouble {
  return { what, index, level: NOT_SERVED.has(what) ? 'bad' : 'warn', says: message, next };
}

/** That upstream could not be heard or believed is told in other words already. */
export function isToldBy({ what, index }: Trouble, finding: Finding): boolean {
  const isSame =
    what === finding.what || (finding.what === 'stale' && (what === 'away' || REASONS.some((each) => each === what)));
  return isSame && index === finding.index;
}

function indexTroubles(index: IndexStatus, { refusals, now, judged }: Facts): readonly Trouble[] {
  const { name, roles, lastError, lastRefresh, silent } = index;
  if (lastError?.reason === 'state' && lastRefresh === undefined && roles.length === 0) return [damaged(name)];
  const failed = lastError !== undefined && lastError.at >= (lastRefresh ?? 0) ? lastError : undefined;
  const ended = roles.filter(({ expires }) => expires <= judged);
  const ending = roles.filter(
    ({ role, expires }) => (role === 'root' || role === 'targets') && expires > judged && expires - judged < SOON,
  );
  const tampered = refusals.filter((each) => each.index === name && now - each.at < HOUR && SECURITY.has(each.reason));
  return [
    // By itself that a list has ended is no trouble: upstream is asked again when somebody asks here.
    ...(ended.length > 0 && failed !== undefined
      ? [
          expired(
            name,
            ended.map(({ role }) => role),
          ),
        ]
      : []),
    ...(silent || (failed !== undefined && AWAY.has(failed.reason)) ? [away(name)] : []),
    ...(failed !== undefined && !AWAY.has(failed.reason) ? [refusing(name, failed.reason)] : []),
    ...(tampered.length > 0 ? [tampering(name, tampered.length)] : []),
    ...ending.map(({ role }) => endingSoon(name, role)),
  ];
}

const SECURITY: ReadonlySet<Reason> = new Set<Reason>(SECURITY_REASONS);
/** Upstream said nothing at all. */
const AWAY: ReadonlySet<string> = new Set<Reason>(['unreachable', 'slow', 'offline']);

function damaged(index: string): Trouble {
  return {
    what: 'state',
    index,
    level: 'bad',
    says: `Nothing of ${index} is served: what this mirror had stored of it is damaged.`,
    next: 'Restore it from a backup; verbatim status says what is damaged, and what gives it up.',
  };
}

function expired(index: string, roles: readonly string[]): Trouble {
  return {
    what: 'expired',
    index,
    level: 'bad',
    says: `The signatures of ${index} have expired (${roles.join(', ')}), and newer ones could not be had: what they vouched for is not served.`,
    next: 'If upstream answers elsewhere, look at what lies between it and this mirror; if it does not, its owners have to sign anew.',
  };
}

function away(index: string): Trouble {
  return {
    what: 'away',
    index,
    level: 'warn',
    says: `Upstream of ${index} does not answer. What is held is served.`,
    next: 'Nothing, if it comes back soon. New releases, and takings back, are not seen meanwhile.',
  };
}

function refusing(index: string, reason: string): Trouble {
  const known = REASONS.find((each) => each === reason);
  const said = known === undefined ? { says: 'Its last answer was refused.', next: '' } : reasonSays(known);
  return {
    what: reason,
    index,
    level: 'warn',
    says: `What upstream of ${index} said last was not believed. What was proved before is served.`,
    next: `${said.says} ${said.next}`,
  };
}

function tampering(index: string, count: number): Trouble {
  const things = count === 1 ? 'One thing' : `${count} things`;
  return {
    what: 'refused',
    index,
    level: 'warn',
    says: `${things} that upstream of ${index} sent in the last hour ${count === 1 ? 'was' : 'were'} not what was promised. Nothing of it was handed out.`,
    next: 'See below what it was. If it stays so, tell the operators of that index, and keep the log: somebody may be tampering.',
  };
}

function endingSoon(index: string, role: string): Trouble {
  return {
    what: 'ending',
    index,
    level: 'warn',
    says: `The ${role} list of ${index} ends within two weeks.`,
    next: 'Its owners have to sign it anew before that: ask them whether they know.',
  };
}
