import { createHash, scryptSync } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import {
  type CheckBcryptIn,
  createAccess,
  type PasswordQueues,
  type Verdict,
} from '../../../src/http/access/access.ts';
import { type AccessList, readTokens, readUsers } from '../../../src/http/access/access-list.ts';
import { hashPassword, readPasswordHash } from '../../../src/http/access/passwords.ts';
import { GRANTED_FOR_MS, MAX_ACCESS_LINES, MAX_AUTHORIZATION, MAX_PASSWORD } from '../../../src/http/limits.ts';
import { createPasswordWork } from '../../../src/workers/password-work.ts';
import { client, leavingClient } from '../../support/callers.ts';
import { cost } from '../../support/cpu.ts';

/** Cheap to check, as a test needs it. */
function cheap(password: string): string {
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync(password, salt, 32, { cost: 2, blockSize: 1, parallelization: 1 });
  return `scrypt$2$1$1$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
const listOf = (users: string, tokens: string): AccessList => ({
  users: readUsers(users, 'users'),
  tokens: readTokens(tokens, 'tokens'),
});
const list = listOf(`ann:${cheap('pa:ss wörd')}\n# a remark\n\nbob:${cheap('bob')}\n`, `ci:${sha256('t0ken')}\n`);

/** Checks passwords that bcrypt keeps, as a mirror does. */
const work = createPasswordWork();
afterAll(() => work.close());

let clients = 0;

/** Asked by clients, each of another address unless one is given. */
function accessOf(list: AccessList, nowMs?: () => number, queues: PasswordQueues = createShares()) {
  const access = createAccess(list, { queues, bcrypt: work.bcrypt, nowMs });
  const told = (verdict: Verdict) => (typeof verdict === 'object' ? 'granted' : verdict);
  return {
    ...access,
    check(authorization: string | undefined, party = `client ${clients++}`) {
      const verdict = access.check(authorization, () => client({ party }));
      return verdict instanceof Promise ? verdict.then(told) : told(verdict);
    },
  };
}

describe('who may read', () => {
  it.each([
    ['a name and its password', basic('ann', 'pa:ss wörd'), 'granted'],
    ['the scheme in any case', basic('bob', 'bob').replace('Basic', 'bAsIc'), 'granted'],
    ['a password typed with combining marks', basic('ann', 'pa:ss wo\u0308rd'), 'granted'],
    ['a token as Bearer', 'Bearer t0ken', 'granted'],
    ['a token as the password of any name', basic('__token__', 't0ken'), 'granted'],
    ['a token as the password of nobody', basic('', 't0ken'), 'granted'],
    ['nothing', undefined, 'refused'],
    ['an empty header', '', 'refused'],
    ['a wrong password', basic('ann', 'bob'), 'refused'],
    ['an unknown name', basic('eve', 'bob'), 'refused'],
    ['no password', basic('ann', ''), 'refused'],
    ['a password as Bearer', 'Bearer bob', 'refused'],
    ['a token as the name', basic('t0ken', ''), 'refused'],
    ['the digest of a token', basic('x', sha256('t0ken')), 'refused'],
    ['what is stored of a password', basic('bob', cheap('bob')), 'refused'],
    ['no colon', `Basic ${Buffer.from('ann').toString('base64')}`, 'refused'],
    ['no base64', 'Basic {}', 'refused'],
    ['another scheme', 'Digest username="ann"', 'refused'],
    ['a member of every object', basic('constructor', 'x'), 'refused'],
    ['a header without end', basic('ann', 'x'.repeat(100_000)), 'refused'],
  ])('%s', async (_, authorization, verdict) => {
    expect(await accessOf(list).check(authorization)).toBe(verdict);
  });

  it('nobody by a password where there are only tokens', async () => {
    const access = accessOf(listOf('', `ci:${sha256('t0ken')}\n`));
    expect(await access.check(basic('ann', 'bob'))).toBe('refused');
    expect(await access.check(basic('ci', 't0ken'))).toBe('granted');
  });

  it('a token as long as a header may be, and none that is longer, though it is listed', () => {
    const longest = 't'.repeat(MAX_AUTHORIZATION - 'Bearer '.length);
    const access = accessOf(listOf('', `one:${sha256(longest)}\ntwo:${sha256(`${longest}t`)}\n`));
    expect(access.check(`Bearer ${longest}`)).toBe('granted');
    expect(access.check(`Bearer ${longest}t`)).toBe('refused');
  });

  it('a password as long as one may be, and none that is longer, though it is right', async () => {
    const longest = 'p'.repeat(MAX_PASSWORD);
    const access = accessOf(listOf(`ann:${cheap(longest)}\nbob:${cheap(`${longest}p`)}\n`, ''));
    expect(await access.check(basic('ann', longest))).toBe('granted');
    expect(await access.check(basic('bob', `${longest}p`))).toBe('refused');
  });

  it('knows a checked password again at once, for a while', async () => {
    let now = 0;
    const shares = createShares();
    const access = accessOf(list, () => now, shares);
    const { passwords } = shares;
    const ann = basic('ann', 'pa:ss wörd');
    const checks = [access.check(ann), access.check(ann)];
    expect(passwords.usage).toEqual({ busy: 1, waiting: 0 });
    expect(await Promise.all(checks)).toEqual(['granted', 'granted']);
    expect(access.check(ann)).toBe('granted');
    now += 3_600_000;
    expect(access.check(ann)).toBeInstanceOf(Promise);
  });

  it('does not check a wrong password again and again', async () => {
    const access = accessOf(list);
    await access.check(basic('ann', 'wrong'));
    expect(access.check(basic('ann', 'wrong'))).toBe('refused');
    expect(await access.check(basic('ann', 'pa:ss wörd'))).toBe('granted');
  });

  it('checks no more passwords at a time than it can, and says so to the rest', async () => {
    const shares = createShares({ passwords: { queue: 2 } });
    const access = accessOf(list, undefined, shares);
    const { passwords } = shares;
    const checks = [1, 2, 3, 4].map((at) => access.check(basic('ann', `${at}`)));
    expect(passwords.usage).toEqual({ busy: 1, waiting: 2 });
    expect(access.check('Bearer t0ken')).toBe('granted');
    expect(await Promise.all(checks)).toEqual(['refused', 'refused', 'refused', 'busy']);
    expect(await access.check(basic('ann', 'another'))).toBe('refused');
  });

  it('does not check the password of a client that left before its turn', async () => {
    const shares = createShares();
    const access = createAccess(list, { queues: shares, bcrypt: work.bcrypt });
    const { passwords } = shares;
    const { caller, leave } = leavingClient();
    const first = access.check(basic('ann', 'wrong'), () => client());
    const left = access.check(basic('bob', 'bob'), () => caller);
    leave();
    expect(passwords.usage).toEqual({ busy: 1, waiting: 0 });
    expect(await Promise.all([first, left])).toEqual(['refused', 'busy']);
    expect(access.check(basic('bob', 'bob'), () => client())).toBeInstanceOf(Promise);
  });

  it('a crowd of wrong passwords does not make it forget the right ones', async () => {
    const access = accessOf({ ...list, users: new Map() });
    expect(access.check('Bearer t0ken')).toBe('granted');
    for (let at = 0; at < 20_000; at++) access.check(`Bearer ${at}`);
    expect(access.check('Bearer t0ken')).toBe('granted');
  });

  it('a wrong token costs no more among ten thousand than among ten', () => {
    const costAmong = (count: number) => {
      const lines = Array.from({ length: count }, (_, at) => `t${at}:${sha256(`t0ken ${at}`)}`);
      const access = accessOf(listOf('', lines.join('\n')));
      expect(access.check(`Bearer ${Buffer.from(`t0ken ${count - 1}`).toString('hex')}`)).toBe('refused');
      let at = 0;
      return cost(() => {
        for (const end = at + 500; at < end; at++) access.check(`Bearer wrong-${at}`);
      });
    };
    costAmong(10);
    expect(costAmong(10_000)).toBeLessThan(10 * Math.max(1, costAmong(10)));
  });

  it('names whom it grants: the user, or the token whatever name came with it', async () => {
    const access = createAccess(list, { queues: createShares(), bcrypt: work.bcrypt });
    const check = (authorization: string) => access.check(authorization, () => client());
    expect(await check(basic('bob', 'bob'))).toEqual({ reader: 'user bob' });
    expect(check(basic('eve', 't0ken'))).toEqual({ reader: 'token ci' });
    expect(check('Bearer t0ken')).toEqual({ reader: 'token ci' });
  });

  it('never queues a password that was right before behind others, though its grant has ended', async () => {
    let now = 0;
    const shares = createShares({ passwords: { queue: 2 } });
    const access = accessOf(list, () => now, shares);
    expect(await access.check(basic('bob', 'bob'))).toBe('granted');
    now += GRANTED_FOR_MS;
    const strangers = [1, 2, 3].map((at) => access.check(basic('ann', `${at}`)));
    expect(shares.passwords.usage).toEqual({ busy: 1, waiting: 2 });
    const order: string[] = [];
    const note = (who: string) => (verdict: string) => void order.push(`${who} ${verdict}`);
    const all = [...strangers.map((each) => Promise.resolve(each).then(note('stranger')))];
    all.push(Promise.resolve(access.check(basic('bob', 'bob'))).then(note('bob')));
    expect(shares.knownPasswords.usage).toEqual({ busy: 1, waiting: 0 });
    await Promise.all(all);
    expect(order).toContain('bob granted');
  });

  it('knows what was right before under a new list too, and grants nothing by it', async () => {
    const shares = createShares();
    const access = accessOf(list, undefined, shares);
    await access.check(basic('bob', 'bob'));
    access.replace(listOf(`bob:${cheap('new')}`, ''));
    const check = access.check(basic('bob', 'bob'));
    expect(shares.knownPasswords.usage.busy).toBe(1);
    expect(await check).toBe('refused');
    access.replace(listOf(`bob:${cheap('bob')}`, ''));
    const again = access.check(basic('bob', 'bob'));
    // It was wrong since.
    expect([shares.passwords.usage.busy, await again]).toEqual([1, 'granted']);
  });

  it('looks at an address that was wrong after all that were not', async () => {
    const shares = createShares();
    const access = accessOf(list, undefined, shares);
    await access.check(basic('ann', 'wrong'), 'hostile');
    const order: string[] = [];
    const ask = (who: string, authorization: string, party?: string) =>
      Promise.resolve(access.check(authorization, party)).then(() => void order.push(who));
    const all = [ask('first', basic('ann', 'a'))];
    for (const at of [1, 2, 3]) all.push(ask('hostile', basic('ann', `b${at}`), 'hostile'));
    for (const at of [1, 2, 3]) all.push(ask('honest', basic('bob', `c${at}`)));
    await Promise.all(all);
    expect(order.slice(0, 4)).toEqual(['first', 'honest', 'honest', 'honest']);
  });

  it('tells an address that is wrong again and again so later each time, and lets a client that leaves go', async () => {
    const shares = createShares();
    const access = createAccess(list, { queues: shares, bcrypt: work.bcrypt });
    const { caller, leave } = leavingClient({ party: 'hostile' });
    for (let at = 0; at < 30; at++) {
      const waits = leavingClient({ party: 'hostile' });
      const check = Promise.resolve(access.check(basic('ann', `${at}`), () => waits.caller));
      setTimeout(() => waits.leave(), 5);
      expect(['refused', 'busy']).toContain(await check);
    }
    let told = false;
    const second = Promise.resolve(access.check(basic('ann', 'again'), () => caller)).then((verdict) => {
      told = true;
      return verdict;
    });
    await expect.poll(() => shares.passwords.usage.busy).toBe(0);
    // The check is over, the answer is held back; another address hears at once meanwhile.
    expect(await access.check(basic('bob', 'b'), () => client({ party: 'other' }))).toBe('refused');
    expect(told).toBe(false);
    leave();
    expect(await second).toBe('refused');
  });

  it('forgets everything with its old list', async () => {
    const access = accessOf(list);
    const under = access.check(basic('ann', 'pa:ss wörd'));
    expect(await access.check(basic('bob', 'bob'))).toBe('granted');
    access.replace(listOf(`ann:${cheap('new')}`, ''));
    await under;
    expect(await access.check(basic('ann', 'pa:ss wörd'))).toBe('refused');
    expect(await access.check(basic('bob', 'bob'))).toBe('refused');
    expect(access.check('Bearer t0ken')).toBe('refused');
    expect(await access.check(basic('ann', 'new'))).toBe('granted');
  });
});

describe('passwords that bcrypt keeps', () => {
  // Written by another bcrypt, that of libxcrypt.
  const ANN = '$2y$05$c4WoMPo3SXsafkva.HHa6u4S10DzU0QnciPhqyYlVpkokRkFuO.YG';
  const LINES = {
    '2y': ANN,
    '2b': '$2b$06$abcdefghijklmnopqrstuud/5IuQmqhVO0kfNEbHJM.fJkPiliBzC',
    '2a': '$2a$04$N9qo8uLOickgx2ZMRZoMyeRYfray/PMe0O3N/MIITYCD4gfhHVFzq',
  };
  const LONG = '$2y$05$c4WoMPo3SXsafkva.HHa6ugn87AqegDgjYptvrJZRPUbgY8Bn14yO';

  it('are right in each form that htpasswd and others write, and wrong ones are not', async () => {
    const access = accessOf(
      listOf(
        Object.entries(LINES)
          .map(([name, hash]) => `${name}:${hash}`)
          .join('\n'),
        '',
      ),
    );
    const verdicts = async (name: string, ...passwords: readonly string[]) =>
      Promise.all(passwords.map((password) => access.check(basic(name, password))));
    expect(await verdicts('2y', 'pässword', 'pa\u0308ssword', 'password', '')).toEqual([
      'granted',
      'granted',
      'refused',
      'refused',
    ]);
    expect(await verdicts('2b', 'correct horse', 'correct horsf')).toEqual(['granted', 'refused']);
    // To bcrypt a NUL is an end: what stands behind it would count for nothing.
    expect(await verdicts('2a', 'x', 'x\0x')).toEqual(['granted', 'refused']);
  });

  it('are as long as bcrypt reads them, as for every reader of such files', async () => {
    const access = accessOf(listOf(`ann:${LONG}`, ''));
    const digits = '0123456789'.repeat(8);
    expect(await access.check(basic('ann', digits))).toBe('granted');
    expect(await access.check(basic('ann', `${digits.slice(0, 71)}x`))).toBe('refused');
  });

  /** What is asked of bcrypt, in place of it: no password holds. */
  function asked() {
    const calls: (readonly [queue: string, encoded: string])[] = [];
    const bcrypt: CheckBcryptIn = async (queue, _, encoded) => {
      calls.push([queue, encoded]);
      return false;
    };
    return { calls, bcrypt };
  }

  it('take a name that nobody has as much as somebody’s, and the same each time', async () => {
    const { calls, bcrypt } = asked();
    const hashes = ['04', '07', '09'].map((cost) => `$2y$${cost}${ANN.slice(6)}`);
    const users = hashes.map((hash, at) => `user${at}:${hash}`).join('\n');
    const access = createAccess(listOf(users, ''), { queues: createShares(), bcrypt });
    const check = async (name: string, password: string) => {
      const before = calls.length;
      await access.check(basic(name, password), () => client({ party: `${clients++}` }));
      expect(calls.length).toBe(before + 1);
      return calls.at(-1)?.[1] ?? '';
    };
    const costs = new Set<string>();
    for (let at = 0; at < 64; at++) {
      const [first, again] = [await check(`nobody${at}`, 'a'), await check(`nobody${at}`, 'b')];
      expect(readPasswordHash(first), first).toBeDefined();
      expect(hashes).not.toContain(first);
      expect(again.slice(0, 7)).toBe(first.slice(0, 7));
      costs.add(first.slice(0, 7));
    }
    expect([...costs].toSorted()).toEqual(['$2y$04$', '$2y$07$', '$2y$09$']);
  });

  it('wait apart where they were right before', async () => {
    let now = 0;
    const calls: string[] = [];
    const bcrypt: CheckBcryptIn = async (queue, password) => {
      calls.push(queue);
      return password === 'right';
    };
    const access = createAccess(listOf(`ann:${ANN}`, ''), { queues: createShares(), bcrypt, nowMs: () => now });
    const check = (password: string) => access.check(basic('ann', password), () => client());
    await check('right');
    now += GRANTED_FOR_MS;
    await check('wrong');
    await check('right');
    expect(calls).toEqual(['passwords', 'passwords', 'knownPasswords']);
  });

  it('never run on the event loop', async () => {
    const access = accessOf(listOf(`ann:$2y$11${ANN.slice(6)}`, ''));
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await access.check(basic('ann', 'wrong'));
    clearInterval(turning);
    expect(turns).toBeGreaterThan(5);
  });

  it('are told to try again where the thread dies over them', async () => {
    const dying = createPasswordWork({ started: (worker) => void worker.terminate() });
    const access = createAccess(listOf(`ann:${ANN}`, ''), { queues: createShares(), bcrypt: dying.bcrypt });
    expect(await access.check(basic('ann', 'x'), () => client())).toBe('busy');
    await dying.close();
  });
});

describe('its files', () => {
  it('what hash-password writes is read', async () => {
    const users = readUsers(`ann:${await hashPassword('secret')}`, 'users');
    expect(await accessOf({ users, tokens: [] }).check(basic('ann', 'secret'))).toBe('granted');
  });

  it.each([
    'ann',
    'ann:secret',
    ':scrypt$2$1$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    `ann:${'scrypt$3$1$1$'}${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `ann:${'scrypt$4194304$8$1$'}${'A'.repeat(22)}$${'A'.repeat(43)}`,
  ])('%s is no user, and the line is named but not repeated', (line) => {
    expect(() => readUsers(`# first\n${line}\n`, 'users')).toThrow(/Line 2 of users/);
    expect(() => readUsers(line, 'users')).not.toThrow(/secret/);
  });

  it.each([
    ['ann:$2y$05$c4WoMPo3SXsafkva.HHa6u4S10DzU0QnciPhqyYlVpkokRk', /bcrypt that is not whole/],
    ['ann:$2y$16$c4WoMPo3SXsafkva.HHa6u4S10DzU0QnciPhqyYlVpkokRkFuO.YG', /bcrypt of a cost/],
    ['ann:$2y$03$c4WoMPo3SXsafkva.HHa6u4S10DzU0QnciPhqyYlVpkokRkFuO.YG', /bcrypt of a cost/],
    ['ann:$2x$05$c4WoMPo3SXsafkva.HHa6u4S10DzU0QnciPhqyYlVpkokRkFuO.YG', /a kind of crypt/],
    ['ann:$apr1$salt$xxxxxxxxxxxxxxxxxxxxxx', /MD5/],
    ['ann:$1$salt$xxxxxxxxxxxxxxxxxxxxxx', /MD5/],
    ['ann:scrypt$3$1$1$AAAAAAAAAAAAAAAAAAAAAA$', /scrypt that is not whole/],
    ['ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', /SHA-1/],
    ['ann:$6$salt$xxxxxxxx', /a kind of crypt/],
    ['ann:rqXexS6ZhobKA', /the old crypt/],
    ['ann:secret', /a password as it is/],
  ])('of %s it is said what it is, and what writes a better one', (line, what) => {
    const read = () => readUsers(`# first\n${line}\n`, 'users');
    expect(read).toThrow(what);
    expect(read).toThrow(/^Line 2 of users .*htpasswd -B -C 12 users NAME/);
    expect(read).not.toThrow(new RegExp(line.slice(-6).replace(/[.=]/g, '.')));
  });

  it('nobody is named twice', () => {
    expect(() => readUsers(`ann:${cheap('a')}\nann:${cheap('b')}`, 'users')).toThrow(/Line 2/);
  });

  it.each(['ci', 'ci:t0ken', `ci:${sha256('x')}:more`, `:${sha256('x')}`, `ci:${sha256('x').toUpperCase()}`])(
    '%s is no token',
    (line) => {
      expect(() => readTokens(line, 'tokens')).toThrow(/Line 1 of tokens/);
    },
  );

  it('has an end', () => {
    expect(() => readTokens(`ci:${sha256('x')}\n`.repeat(MAX_ACCESS_LINES + 1), 'tokens')).toThrow(
      expect.objectContaining({ reason: 'limit' }),
    );
  });

  it('no line may ask for more memory than a check may take', () => {
    expect(readPasswordHash(`scrypt$65536$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`)).toBeDefined();
    expect(readPasswordHash(`scrypt$131072$8$1$${'A'.repeat(22)}$${'A'.repeat(43)}`)).toBeUndefined();
  });
});
