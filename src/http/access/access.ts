import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../../async/caller.ts';
import { createFlights } from '../../async/flight.ts';
import { type Gate, withPlace } from '../../async/gate.ts';
import { BoundedMap } from '../../bytes/bounded-map.ts';
import {
  GRANTED_FOR_MS,
  MAX_AUTHORIZATION,
  MAX_REMEMBERED_GRANTS,
  MAX_REMEMBERED_REFUSALS,
  REFUSED_FOR_MS,
} from '../limits.ts';
import type { AccessList } from './access-list.ts';
import { nobody, passwordHolds } from './passwords.ts';

/** `busy`: too many passwords are being checked; nothing is known yet. */
export type Verdict = 'granted' | 'refused' | 'busy';

/** Who may read this mirror (RFC 7617 Basic, RFC 6750 Bearer). Keeps and logs no credentials. */
export interface Access {
  /** At once where it is a token, or was checked a short while ago; never rejects. `caller` is who waits for a password's check. */
  check(authorization: string | undefined, caller: () => Caller): Verdict | Promise<Verdict>;
  /** From now on these, and nothing that was remembered. */
  replace(list: AccessList): void;
}

interface Credentials {
  readonly name: string | undefined;
  readonly secret: string;
}

/** `passwords`: where those wait whose password has to be checked. */
export function createAccess(list: AccessList, passwords: Gate, nowMs: () => number = () => performance.now()): Access {
  let check = createCheck(list, passwords, nowMs);
  return {
    check: (authorization, caller) => check(authorization, caller),
    replace(next) {
      check = createCheck(next, passwords, nowMs);
    },
  };
}

/** One list, and what was found out with it. */
function createCheck({ users, tokens }: AccessList, passwords: Gate, nowMs: () => number): Access['check'] {
  // What is remembered is a keyed hash: a dump of this memory holds no credentials, and looking it up tells no timing.
  // Not an HMAC: on every hit that would cost half of what the answer does, and nobody is shown these hashes to lengthen.
  const key = randomBytes(32).toString('hex');
  const granted = new Remembered(MAX_REMEMBERED_GRANTS, GRANTED_FOR_MS, nowMs);
  const refused = new Remembered(MAX_REMEMBERED_REFUSALS, REFUSED_FOR_MS, nowMs);
  const flights = createFlights<Verdict>();
  const [someone] = users.values();
  const stranger = someone && nobody(someone);

  const isToken = (secret: string): boolean => {
    const sha256 = createHash('sha256').update(secret).digest();
    let found = false;
    // Every one is compared, whatever was found: time does not tell which.
    for (const token of tokens) found = timingSafeEqual(token, sha256) || found;
    return found;
  };

  const look = (id: string, { name, secret }: Credentials, caller: () => Caller): Verdict | Promise<Verdict> => {
    const conclude = (verified: boolean): Verdict => {
      (verified ? granted : refused).add(id);
      return verified ? 'granted' : 'refused';
    };
    if (isToken(secret)) return conclude(true);
    const known = name === undefined ? undefined : (users.get(name) ?? stranger);
    if (known === undefined) return conclude(false);
    return flights
      .join(id, caller(), async (all) => conclude(await withPlace(passwords, all, () => passwordHolds(secret, known))))
      .catch(() => 'busy');
  };

  return (authorization, caller) => {
    if (authorization === undefined || authorization.length > MAX_AUTHORIZATION) return 'refused';
    const id = hash('sha256', key + authorization, 'base64');
    if (granted.has(id)) return 'granted';
    if (refused.has(id)) return 'refused';
    const credentials = readCredentials(authorization);
    return credentials === undefined ? 'refused' : look(id, credentials, caller);
  };
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

/** Keys for a while; the least recently used makes room. */
class Remembered {
  readonly #until: BoundedMap<number>;
  readonly #forMs: number;
  readonly #nowMs: () => number;

  constructor(entries: number, forMs: number, nowMs: () => number) {
    this.#until = new BoundedMap({ entries });
    this.#forMs = forMs;
    this.#nowMs = nowMs;
  }

  add(id: string): void {
    this.#until.set(id, this.#nowMs() + this.#forMs);
  }

  has(id: string): boolean {
    const end = this.#until.get(id);
    if (end === undefined) return false;
    if (this.#nowMs() < end) return true;
    this.#until.delete(id);
    return false;
  }
}
