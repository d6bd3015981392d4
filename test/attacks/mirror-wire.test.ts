import { afterEach, describe, expect, it } from 'vitest';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';

// An attacker holds the network, a CDN edge, a mirror in the middle. It can withhold, nothing else.

const ALPHA = tinyWheel('alpha');
const ENTRY = { filename: ALPHA.filename, hashes: { sha256: 'a'.repeat(64) }, size: 5 };

let rig: SignedRig;
afterEach(() => rig.close());

const start = async () => {
  rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', ALPHA) });
  await rig.refresh();
};

/** A signed page whose one file lies elsewhere; resolves to where the mirror would serve it. */
async function linkTo(base: string): Promise<string | undefined> {
  const files = [{ ...ENTRY, url: `${base}/${ALPHA.filename}` }];
  rig.signPage('alpha', Buffer.from(JSON.stringify({ meta: { 'api-version': '1.0' }, name: 'alpha', files })));
  await rig.publish();
  const [file] = (await rig.page('alpha')).files;
  return file && new URL(file.url, `${rig.url()}/simple/alpha/`).pathname;
}

describe('a page that is listed', () => {
  it.each([
    ['with digests that nobody here can check', { hashes: new Map([['md5', '0'.repeat(32)]]) }, '502 algorithm'],
    ['with more bytes than a page may have', { length: 2 ** 40 }, '502 limit'],
  ])('%s is refused, and not asked for', async (_, listed, refusal) => {
    await start();
    const path = rig.signed.pagePath('alpha');
    const role = rig.signed.roleFor('alpha', path);
    rig.signed.repository.touch(role);
    await rig.publish({
      roles: { [role]: ({ targets }) => void Object.assign(targets.get(path) ?? expect.fail(), listed) },
    });
    const asked = () => rig.upstream.requests.filter(({ url }) => url?.includes('/simple/')).length;
    const before = asked();
    expect(await rig.refused('/simple/alpha/')).toBe(refusal);
    expect(asked()).toBe(before);
  });
});

describe('bytes changed on the way', () => {
  it('a project page is refused, and is whole again when the attacker leaves', async () => {
    await start();
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'flip', at: 40 });
    expect(await rig.refused('/simple/alpha/')).toBe('502 digest');
    expect(await rig.refused(rig.path(ALPHA))).toMatch(/^(403|503) digest$/);
    rig.heal();
    rig.clock.advance(10);
    expect((await rig.page('alpha')).files).toHaveLength(1);
  });

  it('a wheel is refused, and no byte of it was sent', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'flip', at: 40 });
    const { status, headers, body } = await rig.get(rig.path(ALPHA));
    expect([status, headers['content-type']]).toEqual([403, 'application/problem+json']);
    expect(JSON.parse(body.toString()).reason).toBe('digest');
    expect(rig.events.rejected.map(({ reason, subject }) => [reason, subject])).toContainEqual(['digest', 'file']);
  });

  it('a wheel of another length is refused', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'replace', bytes: Buffer.concat([ALPHA.bytes, ALPHA.bytes]) });
    expect(await rig.refused(rig.path(ALPHA))).toMatch(/^403 (limit|length)$/);
  });

  it('core metadata is refused', async () => {
    await start();
    rig.upstream.fault(rig.storedFile({ ...ALPHA, filename: `${ALPHA.filename}.metadata` }), { kind: 'flip', at: 5 });
    expect(await rig.refused(`${rig.path(ALPHA)}.metadata`)).toBe('403 digest');
  });

  it('a bin is refused, and the page proved before it stays', async () => {
    await start();
    const before = await rig.page('alpha');
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    for (const name of rig.signed.bins.names)
      rig.instead(`metadata/2.${name}.json`, rig.published(`metadata/1.${name}.json`));
    rig.clock.advance(60);
    await rig.refresh();
    expect(await rig.page('alpha')).toEqual(before);
    expect(rig.events.rejected.some(({ subject }) => subject === 'delegated')).toBe(true);
  });

  it.each(['timestamp.json', '2.snapshot.json', '2.root.json'])('%s changes nothing', async (name) => {
    await start();
    const before = await rig.page('alpha');
    rig.signed.repository.publishRoot();
    rig.signed.upload('alpha', tinyWheel('alpha', '2.0'));
    rig.signed.publish();
    const text = Buffer.from(rig.published(`metadata/${name}`)).toString();
    rig.instead(`metadata/${name}`, Buffer.from(text.replace(/"version":2/, '"version":3')));
    rig.clock.advance(60);
    await rig.refresh();
    expect((await rig.index().status()).lastError?.reason).toBe('threshold');
    expect(await rig.page('alpha')).toEqual(before);
  });
});

describe('an attacker who tires', () => {
  it('wrong bytes at first, right ones at the second attempt: served, one request more', async () => {
    await start();
    await rig.page('alpha');
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'flip', at: 40 }, 1);
    const { status, body } = await rig.get(rig.path(ALPHA));
    expect(status).toBe(200);
    expect(body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA))).toHaveLength(2);
  });

  it('a page wrong at first and right on another connection: served, one request more', async () => {
    await start();
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'flip', at: 40 }, 1);
    expect((await rig.page('alpha')).files).toHaveLength(1);
    expect(rig.upstream.asked(rig.storedPage('alpha'))).toHaveLength(2);
    expect(new Set(rig.upstream.asked(rig.storedPage('alpha')).map(({ connection }) => connection)).size).toBe(2);
  });

  it('a file without a single byte is a file, and anything more is not it', async () => {
    const empty = { filename: 'alpha-0.1.tar.gz', bytes: new Uint8Array() };
    rig = await startSignedRig({ fill: (signed) => signed.upload('alpha', empty) });
    rig.upstream.fault(rig.storedFile(empty), { kind: 'replace', bytes: Buffer.from('x') });
    expect(await rig.refused(rig.path(empty))).toMatch(/^403 (limit|length|digest)$/);
    rig.heal();
    rig.clock.advance(10);
    const { status, body } = await rig.get(rig.path(empty));
    expect([status, body.byteLength]).toEqual([200, 0]);
  });

  it('a download cut short is resumed where it broke', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'truncate', at: 100 }, 1);
    expect((await rig.get(rig.path(ALPHA))).body.equals(ALPHA.bytes)).toBe(true);
    expect(rig.upstream.asked(rig.storedFile(ALPHA)).at(-1)?.headers.range).toBe('bytes=100-');
  });
});

describe('what upstream withholds', () => {
  it('a listed page answered 404 is no absent project', async () => {
    await start();
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'status', status: 404 });
    expect(await rig.refused('/simple/alpha/')).toBe('502 mix-and-match');
  });

  it('a listed file answered 404 or 410 is no absent file', async () => {
    await start();
    rig.upstream.fault(rig.storedFile(ALPHA), { kind: 'status', status: 410 });
    expect(await rig.refused(rig.path(ALPHA))).toBe('403 mix-and-match');
  });

  it('a bin answered 404 is no absent project', async () => {
    await start();
    for (const name of rig.signed.bins.names) rig.instead(`metadata/1.${name}.json`, undefined);
    expect(await rig.refused('/simple/alpha/')).toBe('502 mix-and-match');
    expect(await rig.refused('/simple/never-heard-of/')).toBe('502 mix-and-match');
  });
});

describe('where a page sends the mirror', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data/iam',
    'https://files.evil.example/x',
    'http://[::1]:9/x',
    'http://0177.0.0.1/x',
  ])('%s is never fetched', async (base) => {
    await start();
    expect(await rig.refused((await linkTo(base)) ?? '')).toBe('403 foreign');
  });

  it('another server of this machine is never asked, neither by a link nor by a redirect', async () => {
    const inner = await startUpstream({ files: { get: () => ALPHA.bytes } });
    try {
      await start();
      expect(await rig.refused((await linkTo(inner.url)) ?? '')).toBe('403 foreign');
      rig.signed.upload('beta', tinyWheel('beta'));
      await rig.publish();
      rig.upstream.fault(rig.storedPage('beta'), { kind: 'redirect', to: inner.url });
      expect(await rig.refused('/simple/beta/')).toBe('502 redirect');
      expect(inner.requests).toHaveLength(0);
    } finally {
      await inner.close();
    }
  });

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'data:text/plain,x', 'ftp://127.0.0.1/x'])(
    'a link to %s is not passed on',
    async (base) => {
      await start();
      expect(await linkTo(base)).toBeUndefined();
    },
  );
});

describe('too much', () => {
  it('a page listed larger than the limit is refused unread', async () => {
    await start();
    const path = rig.signed.pagePath('alpha');
    const role = rig.signed.roleFor('alpha', path);
    rig.signPage('alpha', Buffer.from('{}'));
    await rig.publish({
      roles: {
        [role]: ({ targets }) => {
          const listed = targets.get(path);
          if (listed !== undefined) listed.length = 33 * 1024 * 1024;
        },
      },
    });
    const before = rig.upstream.requests.length;
    expect(await rig.refused('/simple/alpha/')).toBe('502 limit');
    expect(rig.upstream.requests.slice(before).every(({ url }) => url.startsWith('/metadata/'))).toBe(true);
  });

  it('a page that goes on past its listed length is cut off', async () => {
    await start();
    rig.upstream.fault(rig.storedPage('alpha'), { kind: 'replace', bytes: Buffer.alloc(5_000_000, 32) });
    expect(await rig.refused('/simple/alpha/')).toMatch(/^502 (limit|length)$/);
  });
});
