import { describe, expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { type Reason, Refusal } from '../../../src/bytes/refusal.ts';
import { createReports } from '../../../src/mirror/projects/reports.ts';
import { Lists } from '../../../src/mirror/unsigned/lists.ts';
import { type PagePlaces, SimplePlaces } from '../../../src/mirror/unsigned/places.ts';
import { PageRefresh } from '../../../src/mirror/unsigned/refresh.ts';
import type { PageRecord, PageStore } from '../../../src/ports/index-state.ts';
import { workHere } from '../../../src/ports/page-work.ts';
import type { DocumentAnswer } from '../../../src/ports/upstream.ts';
import { client } from '../../support/callers.ts';
import { createClock } from '../../support/clock.ts';
import { answerOf, pageOf } from '../../support/unsigned-index.ts';

const clock = createClock();
const reports = createReports({ index: 'main', emit: noEvents, journal: { note() {} }, clock });
const ABSENT: DocumentAnswer = { kind: 'absent' };

describe('the list of all projects', () => {
  const lists = (...answers: readonly DocumentAnswer[]) => {
    const left = [...answers];
    const places: Pick<PagePlaces, 'list'> = { list: async () => left.shift() ?? expect.fail('asked once too often') };
    const store = {
      load: async () => undefined,
      bytes: async () => undefined,
      isCurrent: async () => true,
      save: async () => {},
      confirm: async () => {},
    };
    return new Lists({ places, lists: store, clock, reports, projectList: true });
  };

  it('that there never was is not there; one that is gone cannot be had now', async () => {
    const refused = { reason: 'unlisted', subject: 'list', transient: false };
    await expect(lists(ABSENT).ask(undefined, client())).rejects.toMatchObject(refused);
    const gone = lists(answerOf(Buffer.from('{}')), ABSENT);
    const before = await gone.ask(undefined, client());
    await expect(gone.ask(before, client())).rejects.toMatchObject({ reason: 'unreachable', transient: true });
  });
});

describe('an index of which nobody knows where its pages are', () => {
  const bases = ['https://a.example/simple/', 'https://a.example/'] as const;
  const refusing = (reason: Reason) => async () => {
    throw new Refusal(reason, 'no');
  };
  const places = (document: () => Promise<DocumentAnswer>) =>
    new SimplePlaces({ upstream: { document }, bases, work: workHere, flat: undefined });
  const page = (document: () => Promise<DocumentAnswer>) =>
    places(document).page('alpha', { fresh: false, etag: undefined }, client());
  const list = (document: () => Promise<DocumentAnswer>) => places(document).list({ fresh: false }, client());

  it('has no page where no place has one', async () => {
    expect(await page(async () => ABSENT)).toEqual(ABSENT);
  });

  it('says so where a place answers with what is no page', async () => {
    await expect(page(refusing('format'))).rejects.toMatchObject({ reason: 'format' });
    await expect(page(refusing('unreachable'))).rejects.toMatchObject({ reason: 'unreachable' });
  });

  it.each<readonly [Reason, Reason | undefined]>([
    ['limit', 'limit'],
    ['unreachable', 'unreachable'],
    ['forbidden', 'forbidden'],
    ['format', undefined],
  ])('where every place answers its list by %s: %s', async (answered, reason) => {
    const asked = list(refusing(answered));
    if (reason === undefined) expect(await asked).toEqual(ABSENT);
    else await expect(asked).rejects.toMatchObject({ reason });
  });

  it('has too large a list where its first place has one, whatever the next one says', async () => {
    let asked = 0;
    const document = async () => {
      if (++asked === 1) throw new Refusal('limit', 'It is too large.');
      return ABSENT;
    };
    await expect(list(document)).rejects.toMatchObject({ reason: 'limit' });
    expect(asked).toBe(1);
  });
});

describe('a page that upstream says is unchanged', () => {
  const record: PageRecord = {
    project: 'alpha',
    bytes: pageOf(['alpha-1.0.zip']),
    url: 'https://a.example/simple/alpha/',
    contentType: '',
    etag: '"a"',
    serial: undefined,
    seenSerial: undefined,
    fetchedAt: clock.now(),
    confirmedAt: clock.now(),
    maxAge: undefined,
    twice: true,
    fetch: 'one',
    accepted: undefined,
    version: 1,
  };
  const store: PageStore = {
    load: async () => undefined,
    left: async () => undefined,
    isCurrent: async () => true,
    save: async (saved) => saved,
    prepare: () => expect.fail('nothing is to be stored'),
    remove: () => expect.fail('nothing is to be removed'),
    gone: async () => undefined,
  };
  const refresh = (held: PageRecord | undefined) =>
    new PageRefresh({
      places: {
        urlOf: () => '',
        page: async () => ({ kind: 'unchanged' }),
        list: () => expect.fail('no list is asked for'),
      },
      store,
      clock,
      reports,
      nameFetch: () => 'two',
      work: workHere,
    }).refresh('alpha', held, client());

  it('is served on where it is held, and refused where there is none, or only what was left of it', async () => {
    expect(await refresh(record)).toMatchObject({ record: { fetch: 'one' } });
    await expect(refresh(undefined)).rejects.toBeInstanceOf(Refusal);
    const letGo = { sha256: 'a'.repeat(64), size: 9 };
    await expect(refresh({ ...record, letGo })).rejects.toBeInstanceOf(Refusal);
  });
});
