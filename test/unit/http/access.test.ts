import { createHash, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createShares } from '../../../src/async/shares.ts';
import { createAccess, type PasswordQueues, type Verdict } from '../../../src/http/access/access.ts';
import { type AccessList, readTokens, readUsers } from '../../../src/http/access/access-list.ts';
import { hashPassword, readPasswordHash } from '../../../src/http/access/passwords.ts';
import { GRANTED_FOR_MS, MAX_ACCESS_LINES, MAX_AUTHORIZATION, MAX_PASSWORD } from '../../../src/http/limits.ts';
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

let clients = 0;

/** Asked by clients, each of another address unless one is given. */
function accessOf(list: AccessList, nowMs?: () => number, queues: PasswordQueues = createShares()) {
  const access = createAccess(list, queues, nowMs);
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
    const access = createAccess(list, shares);
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
    const access = createAccess(list, createShares());
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
    const access = createAccess(list, shares);
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

describe('its files', () => {
  it('what hash-password writes is read', async () => {
    const users = readUsers(`ann:${await hashPassword('secret')}`, 'users');
    expect(await accessOf({ users, tokens: [] }).check(basic('ann', 'secret'))).toBe('granted');
  });

  it.each([
    'ann',
    'ann:secret',
    ':scrypt$2$1$1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'ann:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC',
    'ann:{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8=',
    `ann:${'scrypt$3$1$1$'}${'A'.repeat(22)}$${'A'.repeat(43)}`,
    `ann:${'scrypt$4194304$8$1$'}${'A'.repeat(22)}$${'A'.repeat(43)}`,
  ])('%s is no user', (line) => {
    expect(() => readUsers(`# first\n${line}\n`, 'users')).toThrow(/Line 2 of users/);
    expect(() => readUsers(line, 'users')).not.toThrow(/secret/);
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
