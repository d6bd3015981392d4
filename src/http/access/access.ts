import { hash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import { withPlace } from '../../async/gate.ts';
import type { CommonShares } from '../../async/shares.ts';
import {
  FAILED_FOR_MS,
  FAILED_PAUSE_MS,
  GRANTED_FOR_MS,
  KNOWN_FOR_MS,
  MAX_AUTHORIZATION,
  MAX_FAILED,
  MAX_FAILED_PAUSE_MS,
  MAX_KNOWN,
  MAX_REMEMBERED_GRANTS,
  MAX_REMEMBERED_REFUSALS,
  REFUSED_FOR_MS,
} from '../limits.ts';
import type { AccessList } from './access-list.ts';
import { type CheckBcrypt, nobody, type PasswordHash, passwordHolds } from './passwords.ts';
import { Remembered } from './remembered.ts';

/** Who may read: `user NAME` or `token NAME`; undefined where nobody is asked who he is. */
export interface Granted {
  readonly reader: string | undefined;
}

/** `busy`: too many passwords are being checked; nothing is known yet. */
export type Verdict = Granted | 'refused' | 'busy';

/** Who may read this mirror (RFC 7617 Basic, RFC 6750 Bearer). Keeps and logs no credentials. */
export interface Access {
  /** At once where it is a token, or was checked a short while ago; never rejects. `caller` is who waits for a password's check. */
  check(authorization: string | undefined, caller: () => Caller): Verdict | Promise<Verdict>;
  /** From now on these, and nothing that was granted before. */
  replace(list: AccessList): void;
}

/** Where those wait whose password has to be checked: it was right before, or nobody has seen it yet. */
export type PasswordQueues = Pick<CommonShares, 'knownPasswords' | 'passwords'>;

interface Credentials {
  readonly name: string | undefined;
  readonly secret: string;
}

/** Checks a password that bcrypt keeps; one that was right before never behind those that nobody has seen yet. */
export type CheckBcryptIn = (queue: keyof PasswordQueues, ...asked: Parameters<CheckBcrypt>) => Promise<boolean>;

export interface AccessOptions {
  readonly queues: PasswordQueues;
  readonly bcrypt: CheckBcryptIn;
  readonly nowMs?: (() => number) | undefined;
}

export function createAccess(
  list: AccessList,
  { queues, bcrypt, nowMs = () => performance.now() }: AccessOptions,
): Access {
  const past = createPast(nowMs);
  const hold = async (queue: keyof PasswordQueues, all: Caller, secret: string, hashed: PasswordHash) =>
    withPlace(queues[queue], all, () => passwordHolds(secret, hashed, (...asked) => bcrypt(queue, ...asked)));
  let check = createCheck(list, hold, past);
  return {
    check: (authorization, caller) => check(authorization, caller),
    replace(next) {
      check = createCheck(next, hold, past);
    },
  };
}

/** What decides who is looked at first, and grants nothing: it outlives a list. */
interface Past {
  readonly nowMs: () => number;
  readonly idOf: (authorization: string) => string;
  /** Credentials that were right. */
  readonly known: Remembered<true>;
  /** How often an address was wrong. */
  readonly failures: Remembered<number>;
}

function createPast(nowMs: () => number): Past {
  // What is remembered is a keyed hash: a dump of this memory holds no credentials, and looking it up tells no timing.
  // Not an HMAC: on every hit that would cost half of what the answer does, and nobody is shown these hashes to lengthen.
  const key = randomBytes(32).toString('hex');
  return {
    nowMs,
    idOf: (authorization) => hash('sha256', key + authorization, 'base64'),
    known: new Remembered(MAX_KNOWN, KNOWN_FOR_MS, nowMs),
    failures: new Remembered(MAX_FAILED, FAILED_FOR_MS, nowMs),
  };
}

/** Waits for its turn and checks a password. Throws Refusal `limit` where too many wait. */
type Hold = (queue: keyof PasswordQueues, all: Caller, secret: string, hashed: PasswordHash) => Promise<boolean>;

/** One list, and what was found out with it. */
function createCheck({ users, tokens }: AccessList, hold: Hold, past: Past): Access['check'] {
  const { nowMs, known, failures } = past;
  const granted = new Remembered<Granted>(MAX_REMEMBERED_GRANTS, GRANTED_FOR_MS, nowMs);
  const refused = new Remembered<true>(MAX_REMEMBERED_REFUSALS, REFUSED_FOR_MS, nowMs);
  const flights = createFlights<Verdict>();
  const hashes = [...users.values()];
  // Hashes differ in what they take to check. A name that nobody has takes what somebody's takes, and the same each time.
  const strangerCalled = (name: string): PasswordHash | undefined => {
    const somebody = hashes[Buffer.from(past.idOf(name), 'base64').readUInt32BE() % hashes.length];
    return somebody && nobody(somebody);
  };

  // By a keyed digest: one look however many there are, whose time tells nobody how near a guess came.
  const names = new Map(tokens.map(({ name, sha256 }) => [past.idOf(sha256.toString('base64')), name]));
  const tokenOf = (secret: string): string | undefined => names.get(past.idOf(hash('sha256', secret, 'base64')));
  const grant = (id: string, reader: string): Verdict => {
    const verdict = { reader };
    granted.set(id, verdict);
    return verdict;
  };
  const refuse = (id: string): Verdict => {
    refused.set(id, true);
    known.delete(id);
    return 'refused';
  };

  const checkPassword = async (id: string, { name = '', secret }: Credentials, caller: Caller): Promise<Verdict> => {
    const hashed = users.get(name) ?? strangerCalled(name);
    if (hashed === undefined) return refuse(id);
    const queue = known.get(id) === undefined ? 'passwords' : 'knownPasswords';
    const verdict = await flights
      .join(id, behindFailed(caller, failures), async (all) => {
        if (!(await hold(queue, all, secret, hashed))) return refuse(id);
        known.set(id, true);
        return grant(id, `user ${name}`);
      })
      .catch((): Verdict => 'busy');
    if (verdict === 'refused') await slowDown(caller, failures);
    return verdict;
  };

  return (authorization, caller) => {
    if (authorization === undefined || authorization.length > MAX_AUTHORIZATION) return 'refused';
    const id = past.idOf(authorization);
    const remembered = granted.get(id);
    if (remembered !== undefined) return remembered;
    if (refused.get(id) !== undefined) return 'refused';
    const credentials = readCredentials(authorization);
    if (credentials === undefined) return 'refused';
    const token = tokenOf(credentials.secret);
    if (token !== undefined) return grant(id, `token ${token}`);
    return credentials.name === undefined ? refuse(id) : checkPassword(id, credentials, caller());
  };
}

/** An address that was wrong a short while ago comes after all that were not. */
function behindFailed(caller: Caller, failures: Past['failures']): Caller {
  if (failures.get(caller.party) === undefined) return caller;
  return { ...caller, priority: 'background' };
}

/** Whoever was wrong before hears of it later each time. */
async function slowDown({ party, signal }: Caller, failures: Past['failures']): Promise<void> {
  const before = failures.get(party) ?? 0;
  failures.set(party, before + 1);
  const pause = Math.min(before * FAILED_PAUSE_MS, MAX_FAILED_PAUSE_MS);
  if (pause > 0) await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
}

/** RFC 9110 §11.4: the scheme's case does not matter. */
function readCredentials(authorization: string): Credentials | undefined {
  const [, scheme, value] = /^(basic|bearer) +([A-Za-z0-9+/=_.~-]+) *$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return { name: undefined, secret: value };
  const decoded = Buffer.from(value, 'base64').toString();
  const colon = decoded.indexOf(':');
  return colon === -1 ? undefined : { name: decoded.slice(0, colon), secret: decoded.slice(colon + 1) };
}
