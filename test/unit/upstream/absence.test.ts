import { describe, expect, it } from 'vitest';
import { withSignal } from '../../../src/async/caller.ts';
import type { DocumentAnswer } from '../../../src/ports/upstream.ts';
import type { UpstreamOptions } from '../../../src/upstream/client.ts';
import type { Fault } from '../../support/upstream.ts';
import { bytesOf, connect, SOMEBODY, serve } from './setup.ts';

// How an index says "there is none", and when that is believed. One case, one test.

const files = new Map([
  ['/simple/there/', bytesOf('a page')],
  ['/simple/other/', bytesOf('another page')],
  ['/simple/', bytesOf('the list')],
  ['/beside/', bytesOf('not of the index')],
]);
const BUCKET = '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>';
const SHUT: Fault = { kind: 'status', status: 403 };

async function setup(absent: Partial<UpstreamOptions['absent'] & object> = {}, options: Partial<UpstreamOptions> = {}) {
  const server = await serve({ files });
  const simple = `${server.url}simple/`;
  const upstream = connect(server, {
    absent: { statuses: [403], redirectElsewhere: false, within: [simple], ...absent },
    ...options,
  });
  const ask = (path: string): Promise<DocumentAnswer['kind']> =>
    upstream
      .document({ url: `${server.url}${path}`, fresh: false, limit: 1000, proved: true }, SOMEBODY)
      .then(({ kind }) => kind);
  return { server, simple, upstream, ask };
}

const forbidden = { name: 'Refusal', reason: 'forbidden', transient: false };

describe('a status that may mean absence', () => {
  it('does while something else of the index is there, which is asked for once', async () => {
    const { server, ask } = await setup();
    server.fault('/simple/none/', SHUT);
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/never/', SHUT);
    expect(await ask('simple/none/')).toBe('absent');
    expect(await ask('simple/never/')).toBe('absent');
    expect(server.asked('/simple/there/')).toHaveLength(2);
    expect(server.asked('/simple/there/')[1]?.headers.range).toBe('bytes=0-0');
  });

  it('does not of an index that shut everybody out a moment ago', async () => {
    const { server, ask } = await setup();
    expect(await ask('simple/there/')).toBe('document');
    server.fault('*', SHUT);
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
  });

  it('is shown anew for a second look', async () => {
    const { server, ask, upstream } = await setup();
    server.fault('/simple/none/', SHUT);
    expect(await ask('simple/there/')).toBe('document');
    expect(await ask('simple/none/')).toBe('absent');
    server.fault('*', SHUT);
    const again = { url: `${server.url}simple/none/`, fresh: true, limit: 9 };
    await expect(upstream.document(again, SOMEBODY)).rejects.toMatchObject(forbidden);
  });

  it('does not before anything of the index was seen, nor where nothing known of it answers', async () => {
    const { server, ask } = await setup();
    server.fault('*', SHUT);
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
  });

  it('is looked into once, by what should be there', async () => {
    const { server, ask } = await setup({ known: async () => [`${server.url}simple/gone/`, `${server.url}simple/`] });
    server.fault('/simple/none/', SHUT);
    server.fault('/simple/never/', SHUT);
    expect(await Promise.all([ask('simple/none/'), ask('simple/none/')])).toEqual(['absent', 'absent']);
    expect(await ask('simple/never/')).toBe('absent');
    expect(server.asked('/simple/gone/')).toHaveLength(1);
    expect(server.asked('/simple/')).toHaveLength(1);
  });

  it('is not looked into for each name of an index that shuts everybody out', async () => {
    const { server, ask } = await setup({}, { limits: { unwitnessed: 60_000 } });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('*', SHUT);
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
    const asked = server.requests.length;
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
    // What was shut a moment ago is not tried again for each name.
    expect(server.requests).toHaveLength(asked + 1);
  });

  it('is shown anew once that it was is a minute old', async () => {
    const { server, ask } = await setup({}, { limits: { witnessed: 0 } });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', SHUT);
    for (let at = 0; at < 2; at++) expect(await ask('simple/none/')).toBe('absent');
    expect(server.asked('/simple/there/')).toHaveLength(3);
  });

  it('is not shown by the document itself', async () => {
    const { server, ask } = await setup();
    expect(await ask('simple/there/')).toBe('document');
    server.fault('*', SHUT);
    await expect(ask('simple/there/')).rejects.toMatchObject(forbidden);
    server.heal();
    expect(await ask('simple/other/')).toBe('document');
    server.fault('/simple/there/', SHUT);
    expect(await ask('simple/there/')).toBe('absent');
  });

  it('is not shown for what lies beside the index, whatever lies there', async () => {
    let known = '';
    const { server, ask } = await setup({ known: async () => [known] });
    known = `${server.url}beside/`;
    server.fault('/elsewhere/', SHUT);
    await expect(ask('elsewhere/')).rejects.toMatchObject(forbidden);
  });

  it('may be shown to the next who asks where whoever had it looked into has left', async () => {
    const { server, ask, upstream } = await setup();
    server.fault('/simple/none/', SHUT);
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/there/', { kind: 'stall', at: 'headers' });
    const leaving = new AbortController();
    const request = { url: `${server.url}simple/none/`, fresh: false, limit: 1000 };
    const left = upstream.document(request, withSignal(SOMEBODY, leaving.signal));
    await expect.poll(() => server.asked('/simple/there/').length).toBe(2);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    server.heal();
    server.fault('/simple/none/', SHUT);
    expect(await ask('simple/none/')).toBe('absent');
  });

  it('is not shown by what lies beside the index', async () => {
    const { server, ask } = await setup();
    expect(await ask('beside/')).toBe('document');
    server.fault('/simple/none/', SHUT);
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
  });

  it.each([403, 401, 451, 500])('%i does not where nobody said that it does', async (status) => {
    const { server, ask } = await setup({ statuses: [] });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', { kind: 'status', status });
    await expect(ask('simple/none/')).rejects.toThrow(`answered ${status}`);
  });

  it("does in an object store's own words, unless they are of a link that has expired", async () => {
    const { server, ask } = await setup({ statuses: [] });
    server.fault('/simple/none/', { ...SHUT, body: BUCKET });
    await expect(ask('simple/none/')).rejects.toMatchObject(forbidden);
    expect(await ask('simple/there/')).toBe('document');
    expect(await ask('simple/none/')).toBe('absent');
    server.fault('/simple/late/', { ...SHUT, body: BUCKET.replace('Access Denied', 'Request has expired') });
    await expect(ask('simple/late/')).rejects.toMatchObject(forbidden);
  });

  it('403 does without a reason, where signatures tell what there is, and not with one', async () => {
    const { server, ask, upstream } = await setup({ statuses: [], bareForbidden: true });
    expect(await ask('simple/there/')).toBe('document');
    for (const body of ['', '<html><head><title>403 Forbidden</title></head><center>nginx/1.27</center></html>']) {
      server.heal();
      server.fault('/simple/none/', { ...SHUT, body });
      expect(await ask('simple/none/')).toBe('absent');
      const open = upstream.download({ urls: [`${server.url}simple/none/`] });
      await expect(open({ offset: 0, limit: 9, attempt: 1, caller: SOMEBODY })).rejects.toMatchObject({
        reason: 'unlisted',
      });
    }
    server.fault('/simple/bad/', { ...SHUT, body: 'blocked by policy' });
    await expect(ask('simple/bad/')).rejects.toMatchObject(forbidden);
  });

  it('401 does not where credentials were sent', async () => {
    const { server, ask } = await setup({ statuses: [401] });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', { kind: 'status', status: 401 });
    expect(await ask('simple/none/')).toBe('absent');
    const url = server.url;
    const known = connect(server, {
      absent: { statuses: [401], redirectElsewhere: false },
      credentials: [{ url, username: 'me', password: 'old' }],
    });
    const asked = (path: string) =>
      known.document({ url: `${url}${path}`, fresh: false, limit: 1000, proved: true }, SOMEBODY);
    expect((await asked('simple/there/')).kind).toBe('document');
    await expect(asked('simple/none/')).rejects.toMatchObject({ reason: 'unreachable', transient: false });
  });
});

describe('a redirect to another index', () => {
  const elsewhere = (path: string): Fault => ({ kind: 'redirect', to: `https://public.example${path}` });

  it('means that there is none, where that was said and something else of the index answers', async () => {
    const { server, ask } = await setup({ redirectElsewhere: true });
    server.fault('/simple/my-name/', elsewhere('/simple/My.Name/'));
    await expect(ask('simple/my-name/')).rejects.toMatchObject({ reason: 'redirect' });
    expect(await ask('simple/there/')).toBe('document');
    expect(await ask('simple/my-name/')).toBe('absent');
  });

  it('means nothing where nobody said that it does, unless it is a public index', async () => {
    const { server, ask } = await setup();
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', elsewhere('/simple/none/'));
    await expect(ask('simple/none/')).rejects.toThrow('redirects to https://public.example/simple/none/');
    server.fault('/simple/six/', { kind: 'redirect', to: 'https://pypi.org/simple/six/' });
    expect(await ask('simple/six/')).toBe('absent');
  });

  it.each(['/login', '/', '/users/sign_in?to=none', '/simple/'])('to %s means nothing', async (path) => {
    const { server, ask } = await setup({ redirectElsewhere: true });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', elsewhere(path));
    await expect(ask('simple/none/')).rejects.toMatchObject({ reason: 'redirect' });
  });
});

describe('a refusal that nothing of the index speaks against', () => {
  it('says that it may be absence, and what would show it', async () => {
    const { server, ask } = await setup({ redirectElsewhere: true });
    server.fault('/simple/none/', SHUT);
    server.fault('/simple/six/', { kind: 'redirect', to: 'https://pypi.org/simple/six/' });
    for (const name of ['none', 'six'])
      await expect(ask(`simple/${name}/`)).rejects.toThrow(/nothing else of this index.*absent: \{ known: NAME \}/);
  });

  it('says what would make it absence where it is none', async () => {
    const { server, ask } = await setup({ statuses: [] });
    expect(await ask('simple/there/')).toBe('document');
    server.fault('/simple/none/', SHUT);
    await expect(ask('simple/none/')).rejects.toThrow('absent: { statuses: [403] }, or --kind');
    server.fault('/simple/six/', { kind: 'redirect', to: 'https://public.example/simple/six/' });
    await expect(ask('simple/six/')).rejects.toThrow('absent.redirect_elsewhere or --kind');
  });
});

describe('what upstream forbids', () => {
  const said = async (fault: Partial<Fault & { kind: 'status' }>) => {
    const { server, ask } = await setup({ statuses: [] });
    server.fault('/simple/x/', { ...SHUT, ...fault });
    const error: unknown = await ask('simple/x/').catch((refusal: unknown) => refusal);
    return (error as { said?: { words: string } }).said?.words;
  };

  it.each([
    [{ body: '{"errors":[{"status":403,"message":"blocked by policy"}]}' }, 'blocked by policy'],
    [{ body: '{"detail":"quarantined"}', headers: { 'content-type': 'application/problem+json' } }, 'quarantined'],
    [{ body: 'No \u0000way\r\n\tthrough' }, 'No ·way through'],
    [{ body: '<html><head><title>Denied</title></head><body>x</body></html>' }, 'Denied'],
    [{ body: '<p>Ask <b>them</b></p><script>alert(1)</script>' }, 'Ask them'],
    [{ body: BUCKET }, 'AccessDenied'],
    [{ body: 'see https://me:secret@host.example/?token=abc' }, 'see https://***@host.example/?token=***'],
    [{}, ''],
  ])('is told in its own words: %j', async (fault, words) => {
    expect(await said(fault)).toBe(words);
  });

  it('is told in bounded words', async () => {
    expect((await said({ body: 'x'.repeat(100_000) }))?.length).toBeLessThan(310);
  });

  it('is told from its reason phrase too', async () => {
    const { server, ask } = await setup({ statuses: [] });
    const bytes = 'HTTP/1.1 403 Requested item is quarantined\r\ncontent-length: 0\r\n\r\n';
    server.fault('/simple/x/', { kind: 'raw', bytes });
    await expect(ask('simple/x/')).rejects.toThrow('403. It says: Requested item is quarantined');
  });

  it('is a file at one place only: another name of the same bytes is tried', async () => {
    const { server, upstream } = await setup();
    server.fault('/simple/none/', SHUT);
    const open = upstream.download({ urls: [`${server.url}simple/none/`, `${server.url}simple/there/`] });
    const attempt = { offset: 0, limit: 100, attempt: 1, caller: SOMEBODY };
    expect((await open(attempt)).start).toBe(0);
    const nowhere = upstream.download({ urls: [`${server.url}simple/none/`] });
    await expect(nowhere(attempt)).rejects.toMatchObject({ ...forbidden, said: { status: 403 } });
  });
});
