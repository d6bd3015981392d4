import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { internalCaller, withSignal } from '../../src/async/caller.ts';
import type { UpstreamLimits } from '../../src/upstream/limits.ts';
import type { RawPage, Rig, RigOptions } from '../rigs/rig.ts';
import { client } from '../support/callers.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

const ALPHA = tinyWheel('alpha');
const NEWER = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

/** Whoever still waits then, for what is answered in milliseconds, waits for what does not end. Milliseconds. */
const FOREVER = 5000;

/** No headers until the mirror gives up. */
const SILENT = { kind: 'stall', at: 'headers' } as const;

type Start = (options: RigOptions) => Promise<Rig>;

/**
 * How an index is served, whatever its pages are believed by: the same for signed and unsigned indexes, and for every
 * evidence to come.
 */
export function describeEvidence(evidence: string, start: Start): void {
  const open: Rig[] = [];
  afterEach(async () => {
    for (const rig of open.splice(0)) await rig.close();
  });
  const begin = async (options: Partial<RigOptions> = {}): Promise<Rig> => {
    const rig = await start({ files: [ALPHA, BETA], ...options });
    open.push(rig);
    return rig;
  };

  describe(`an index with evidence ${evidence}`, () => {
    describe('while upstream is in trouble', () => {
      it('explain does not take an outage for an absence', async () => {
        const rig = await begin();
        rig.pageFault('alpha', { kind: 'status', status: 500 });
        await expect(rig.index().explain(ALPHA.filename, client())).rejects.toMatchObject({ reason: 'unreachable' });
        await expect(rig.index().explain('alpha', client())).rejects.toMatchObject({ reason: 'unreachable' });
      });

      it('a page that was never seen is no absence', async () => {
        const rig = await begin();
        rig.pageFault('alpha', { kind: 'status', status: 500 });
        expect(await rig.refused('/simple/alpha/')).toBe('503 unreachable');
        expect(await rig.refused(rig.path(ALPHA))).toBe('503 unreachable');
      });

      it('the last page that was believed stands in', async () => {
        const rig = await begin();
        await rig.page('alpha');
        await rig.upload(NEWER);
        rig.pageFault('alpha', { kind: 'status', status: 500 });
        expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
      });

      it('a silent upstream is waited for once, and not until it is given up', async () => {
        const rig = await begin({ upstreamLimits: givenUpAfter(8000) });
        await rig.page('alpha');
        await rig.upload(NEWER);
        rig.pageFault('alpha', SILENT);
        const asked = rig.pageAsked('alpha');
        // A second attempt shows that the first was waited out.
        const waitedOut = async () => {
          while (open.includes(rig) && rig.pageAsked('alpha') < asked + 2) await sleep(20);
          return 'upstream was waited for to the end';
        };
        const answer = () => Promise.race([rig.names('alpha'), waitedOut()]);
        const start = performance.now();
        expect(await answer()).toEqual([ALPHA.filename]);
        const first = performance.now();
        // Whoever comes next does not pay again for what is known by now.
        expect(await answer()).toEqual([ALPHA.filename]);
        expect(performance.now() - first).toBeLessThan((first - start) / 2);
      });
    });

    describe('while upstream says nothing', () => {
      const MANY = Array.from({ length: 30 }, (_, at) => tinyWheel(`cold-${at}`));
      const HOSTS = evidence === 'tuf' ? 1 : 2;

      it('whatever is not held is refused after one wait a host, and not after one a document', async () => {
        const limits = { ...givenUpAfter(300), silentRest: 600_000 };
        const rig = await begin({ files: [ALPHA, BETA, ...MANY], upstreamLimits: limits });
        await rig.page('alpha');
        await rig.page('beta');
        rig.silence();
        const asked = rig.requests();
        const paths = [
          ...MANY.map(({ project }) => `/simple/${project}/`),
          ...[ALPHA, BETA].flatMap((file) => [rig.path(file), `${rig.path(file)}.metadata`]),
          '/simple/',
        ];
        for (const path of paths) {
          const { status, headers, body } = await rig.get(path);
          expect([path, status, headers['retry-after']]).toEqual([path, 503, expect.stringMatching(/^[1-5]$/)]);
          expect(JSON.parse(String(body)).reason).toBe('slow');
        }
        expect(rig.requests() - asked).toBeLessThanOrEqual(HOSTS);
        expect(rig.events.hostSilence.filter(({ silent }) => silent)).toHaveLength(HOSTS);
        // What is held is served all the same.
        expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
      });

      it('one request looks whether it is back, and then all is served again', async () => {
        const rig = await begin({ files: MANY, upstreamLimits: givenUpAfter(300) });
        await rig.page('cold-0');
        rig.silence();
        expect(await rig.refused('/simple/cold-1/')).toBe('503 slow');
        rig.heal();
        for (const file of MANY) expect(await rig.names(file.project)).toEqual([file.filename]);
        expect(rig.events.hostSilence.map(({ silent }) => silent)).toEqual([true, false]);
      });
    });

    describe('that is forbidden by upstream', () => {
      const blocked = (status: number) =>
        ({ kind: 'status', status, body: '{"message":"blocked: ticket 17"}' }) as const;

      it.each([403, 451])('a file is refused with its words and %i, and asked for once', async (status) => {
        const rig = await begin();
        rig.fileFault(ALPHA, blocked(status));
        for (let at = 0; at < 2; at++) {
          const { phrase, body } = await rig.get(rig.path(ALPHA));
          expect(phrase).toBe('Upstream forbids this file: blocked: ticket 17');
          expect(JSON.parse(String(body))).toMatchObject({ status, reason: 'forbidden' });
        }
        expect(rig.fileAsked(ALPHA)).toBe(1);
        rig.heal();
      });

      it('a page is never answered as if there were none, and the last one stands in', async () => {
        const rig = await begin();
        rig.pageFault('beta', blocked(403));
        expect(await rig.refused('/simple/beta/')).toBe('502 forbidden');
        await rig.page('alpha');
        await rig.upload(NEWER);
        rig.pageFault('alpha', blocked(451));
        expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
      });
    });

    describe('among many', () => {
      it('a page does not wait for files', async () => {
        const files = [1, 2, 3, 4].map((release) => tinyWheel('alpha', `${release}.0`));
        const rig = await begin({ files: [...files, BETA], upstreamLimits: { connections: 4 } });
        await rig.page('alpha');
        for (const file of files) rig.fileFault(file, SILENT);
        for (const file of files) startDownload(rig, rig.path(file));
        await standstill(rig.requests);
        expect(await Promise.race([rig.names('beta'), sleep(FOREVER, 'it waits for files')])).toEqual([BETA.filename]);
      });

      it('downloads that everybody has left give way to others', async () => {
        const files = Array.from({ length: 40 }, (_, at) => tinyWheel('alpha', `${at + 1}.0`));
        const rig = await begin({ files: [...files, BETA] });
        await rig.page('alpha');
        await rig.page('beta');
        for (const file of files) rig.fileFault(file, SILENT);
        const clients = files.map((file) => startDownload(rig, rig.path(file)));
        await standstill(rig.requests);
        await Promise.all(clients.map((leave) => leave()));
        const status = rig.get(rig.path(BETA)).then((answer) => answer.status);
        expect(await Promise.race([status, sleep(FOREVER, 'it waits for what nobody wants')])).toBe(200);
      });
    });

    describe('counting', () => {
      it('the first answer with a file counts as one file', async () => {
        const rig = await begin();
        expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
        expect(served(rig)).toEqual(['file upstream']);
      });

      it('each answer with a page counts as one page', async () => {
        const rig = await begin();
        await rig.page('alpha');
        await rig.page('alpha');
        expect(served(rig)).toEqual(['page upstream', 'page memory']);
      });

      it('the first answer with core metadata counts as one', async () => {
        const rig = await begin();
        expect((await rig.get(`${rig.path(ALPHA)}.metadata`)).status).toBe(200);
        expect(served(rig)).toEqual(['core-metadata upstream']);
      });

      it('each answer with the project list counts as one list', async () => {
        const rig = await begin();
        for (let at = 0; at < 2; at++) expect((await rig.get('/simple/')).status).toBe(200);
        expect(served(rig)).toEqual(['list upstream', 'list memory']);
      });

      it('what nobody was sent is not counted as served', async () => {
        const rig = await begin();
        await rig.index().explain('alpha', client());
        await rig.index().explain(ALPHA.filename, client());
        expect(served(rig)).toEqual([]);
      });

      it('a line that is left out counts once, however often its page is drawn', async () => {
        const rig = await begin();
        const foreign = { filename: 'alpha-9.0.tar.gz', url: 'elsewhere.tar.gz', hashes: { sha256: 'a'.repeat(64) } };
        await rig.editPage('alpha', (page) => ({ ...page, files: [...page.files, foreign] }));
        expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
        await rig.editPage('alpha', (page) => ({ ...page, files: [...page.files, foreign], drawn: 'again' }));
        expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
        expect([...(await rig.index().status()).leftOut.values()]).toEqual([1]);
      });
    });

    describe('a job', () => {
      const job = internalCaller('main', 'sync');

      it('reads projects, pages and files without anything counting as served', async () => {
        const rig = await begin();
        const names: string[] = [];
        for await (const name of rig.index().projects(job)) names.push(name);
        expect(names.sort()).toEqual(['alpha', 'beta']);
        const page = await rig.index().listing('alpha', job);
        expect([...page.listing.files.keys()]).toEqual([ALPHA.filename]);
        const blob = await rig.index().open(page, ALPHA.filename, job);
        expect(Buffer.from(await blob.bytes(1e6)).equals(ALPHA.bytes)).toBe(true);
        expect(rig.events.served).toEqual([]);
      });

      it('spares a client the download, and is spared what a client had', async () => {
        const rig = await begin();
        const page = await rig.index().listing('alpha', job);
        await rig.index().open(page, ALPHA.filename, job);
        expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
        expect(served(rig)).toEqual(['file disk']);
        expect(rig.fileAsked(ALPHA)).toBe(1);
      });

      it('is refused what the page does not list, what policy withholds, and a page of another index', async () => {
        const [rig, other] = [await begin(), await begin()];
        const page = await rig.index().listing('alpha', job);
        await expect(rig.index().open(page, BETA.filename, job)).rejects.toMatchObject({ reason: 'unlisted' });
        await expect(other.index().open(page, ALPHA.filename, job)).rejects.toThrow(TypeError);
        await rig.editPage('alpha', quarantined);
        const later = await rig.index().listing('alpha', job);
        await expect(rig.index().open(later, ALPHA.filename, job)).rejects.toMatchObject({ reason: 'policy' });
      });

      it('that is ended takes its download with it', async () => {
        const rig = await begin();
        rig.fileFault(ALPHA, SILENT);
        const ending = new AbortController();
        const ended = withSignal(job, ending.signal);
        const page = await rig.index().listing('alpha', ended);
        const opened = rig.index().open(page, ALPHA.filename, ended);
        opened.catch(() => undefined);
        while (rig.fileAsked(ALPHA) === 0) await sleep(5);
        const why = new Error('the sync was stopped');
        ending.abort(why);
        await expect(opened).rejects.toBe(why);
        rig.heal();
        // What was given up is no failure to back off from.
        expect((await rig.get(rig.path(ALPHA))).status).toBe(200);
      });
    });

    describe('a project', () => {
      it('that is quarantined offers no file, and refuses each by policy', async () => {
        const rig = await begin();
        await rig.page('alpha');
        await rig.editPage('alpha', quarantined);
        expect(await rig.names('alpha')).toEqual([]);
        expect(await rig.refused(rig.path(ALPHA))).toBe('403 policy');
      });

      it('has each file at one address, which no escaped slash leads to', async () => {
        const rig = await begin();
        const path = rig.path(ALPHA);
        expect((await rig.get(path)).status).toBe(200);
        const [, first, second, ...rest] = path.split('/');
        expect(await rig.refused(`/${first}/${second}%2F${rest.join('/')}`)).toBe('404 unlisted');
      });

      it.each(['source/a/alpha', 'py3/a/alpha', 'py2.py3/A/Alpha', 'cp39/a/alpha'])(
        'has its files at the conventional address packages/%s/FILE too, and no others',
        async (folder) => {
          const rig = await begin();
          const { status, headers, body } = await rig.get(`/packages/${folder}/${ALPHA.filename}`);
          expect([status, body.equals(ALPHA.bytes)]).toEqual([200, true]);
          expect(headers['cache-control']).not.toContain('immutable');
          expect((await rig.get(`/packages/${folder}/${ALPHA.filename}.metadata`)).status).toBe(200);
          for (const path of [
            `${folder}/${NEWER.filename}`,
            `${folder}/${BETA.filename}`,
            `${folder}/x/${ALPHA.filename}`,
          ])
            expect(await rig.refused(`/packages/${path}`)).toBe('404 unlisted');
          expect(
            await rig.refused(`/packages/${folder.replace('/a/', '/b/').replace('/A/', '/b/')}/${ALPHA.filename}`),
          ).toBe('404 unlisted');
        },
      );

      it('that is absent is not looked for again at once', async () => {
        const rig = await begin();
        await rig.page('alpha');
        expect(await rig.refused('/simple/absent/')).toBe('404 unlisted');
        const asked = rig.requests();
        expect(await rig.refused('/simple/absent/')).toBe('404 unlisted');
        expect(rig.requests()).toBe(asked);
      });

      it('that was absent is found soon after it appears', async () => {
        const rig = await begin();
        expect(await rig.refused('/simple/absent/')).toBe('404 unlisted');
        await rig.upload(tinyWheel('absent'));
        expect(await rig.names('absent')).toHaveLength(1);
      });
    });
  });
}

const served = (rig: Rig) => rig.events.served.map(({ kind, how }) => `${kind} ${how}`);

/** PEP 792. */
const quarantined = (page: RawPage): RawPage => ({
  ...page,
  meta: { 'api-version': '1.4' },
  'project-status': { status: 'quarantined', reason: 'malware' },
});

/** Limits under which a silent upstream is given up after so long, and not tried again for a while. Milliseconds. */
function givenUpAfter(headersTimeout: number): Partial<UpstreamLimits> {
  const pace = { headersTimeout, idleTimeout: headersTimeout, deadline: 60_000, rateWindow: 60_000 };
  return { documents: pace, downloads: pace };
}

/** Resolves once a count no longer grows: whatever can begin has begun. */
async function standstill(count: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 10; await sleep(20)) {
    same = count() === last ? same + 1 : 0;
    last = count();
  }
}

/** Asks for a file; the returned function leaves, and resolves when the connection is closed. */
function startDownload(rig: Rig, path: string): () => Promise<void> {
  const asked = request(new URL(path, rig.url()), { agent: false });
  const gone = new Promise<void>((resolve) => asked.once('close', resolve));
  asked.on('error', () => {});
  asked.end();
  return () => {
    asked.destroy();
    return gone;
  };
}
