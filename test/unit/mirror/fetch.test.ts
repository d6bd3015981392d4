import { describe, expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { createBackground } from '../../../src/async/background.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { Fetch, type WantedFile } from '../../../src/mirror/files/fetch.ts';
import { FirstSights } from '../../../src/mirror/files/first-sights.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import type { OpenDownload, Upstream } from '../../../src/ports/upstream.ts';
import { client } from '../../support/callers.ts';
import { createClock } from '../../support/clock.ts';
import { expectedOf, openStore, upstream, whole } from '../../support/volume-harness.ts';

const BYTES = Buffer.from('the bytes of a file');
const URL = 'https://files.example/a-1.0.tar';
const clock = createClock();
const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });

function upstreamOf(download: OpenDownload): Upstream {
  return {
    download: () => download,
    document: () => expect.fail('no document is to be asked for'),
    mayFetch: () => true,
  };
}

const wanted = (over: Partial<WantedFile> = {}): WantedFile => ({
  name: 'a-1.0.tar',
  subject: 'file',
  expected: expectedOf(BYTES),
  limit: 1000,
  urls: [URL],
  ...over,
});

describe('a file', () => {
  async function start() {
    const { download, requests } = upstream(whole(BYTES));
    const { blobs } = await openStore();
    const shared = { index: 'main', blobs, upstream: upstreamOf(download), reports, background: createBackground() };
    return { fetch: new Fetch(shared), requests };
  }

  it.each<readonly [string, string, Partial<WantedFile>]>([
    ['without a digest', 'algorithm', { expected: makeExpected({ length: 9, digests: new Map() }) }],
    ['larger than it may be', 'limit', { limit: BYTES.byteLength - 1 }],
    ['on a host that may not be asked', 'foreign', { urls: [], listedAt: URL }],
  ])('%s is refused before anything is asked of upstream: %s', async (_, reason, over) => {
    const { fetch, requests } = await start();
    await expect(fetch.file(wanted(over), client())).rejects.toMatchObject({ reason, subject: 'file' });
    expect(requests).toEqual([]);
  });

  it('on such a host is served where it is held', async () => {
    const { fetch, requests } = await start();
    await fetch.file(wanted(), client());
    expect((await fetch.file(wanted({ urls: [], listedAt: URL }), client())).size).toBe(BYTES.byteLength);
    expect(requests).toHaveLength(1);
  });
});

/** What upstream's headers may say. */
const UNSAID = { etag: undefined, serial: undefined, maxAge: undefined };

describe('a document', () => {
  async function start(document: Upstream['document']) {
    const { blobs } = await openStore();
    const upstream = { ...upstreamOf(() => expect.fail('no file is to be asked for')), document };
    return new Fetch({ index: 'main', blobs, upstream, reports, background: createBackground() });
  }

  it('is asked for once where upstream cannot be reached or lacks it, and twice where it came wrong', async () => {
    const away = new Refusal('unreachable', 'It is away.', { transient: true });
    for (const [answer, times, reason] of [
      [() => Promise.reject(away), 1, 'unreachable'],
      [async () => ({ kind: 'absent' }) as const, 1, 'mix-and-match'],
      [
        async () => ({ kind: 'document', url: URL, bytes: Buffer.from('others'), contentType: '', ...UNSAID }) as const,
        2,
        'length',
      ],
    ] as const) {
      let asked = 0;
      const fetch = await start(() => {
        asked++;
        return answer();
      });
      await expect(fetch.document(wanted(), client())).rejects.toMatchObject({ reason });
      expect(asked).toBe(times);
    }
  });
});

describe('a second look at a file that nobody states a digest of', () => {
  async function look(second: OpenDownload) {
    const { blobs } = await openStore();
    const first = whole(BYTES);
    let downloads = 0;
    const sights = new FirstSights({
      index: 'main',
      upstream: { download: () => (++downloads === 1 ? async (request) => first(request) : second) },
      blobs,
      pins: { of: async () => new Map(), see: async () => expect.fail('it is not to be believed') },
      clock,
      emit: noEvents,
      onPinned: () => expect.fail('it is not to be believed'),
      twiceUpTo: 1000,
      fileWork: { inspect: async () => {} },
    });
    const entry = { filename: 'a-1.0.tar', url: URL, digests: new Map() };
    const file = { entry, upstream: URL, path: 'a', href: 'a' };
    return sights.see('a', file, wanted({ expected: makeExpected({ digests: new Map() }) }), client());
  }

  it('says that the file changed where more bytes come than before', async () => {
    const more = new Refusal('limit', 'It is larger.');
    await expect(look(() => Promise.reject(more))).rejects.toMatchObject({ reason: 'changed', cause: more });
  });

  it('says nothing of the file where this mirror has no room to look', async () => {
    const noRoom = new Refusal('limit', 'Too much is under way.', { transient: true });
    await expect(look(() => Promise.reject(noRoom))).rejects.toBe(noRoom);
  });
});
