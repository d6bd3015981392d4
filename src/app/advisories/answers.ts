import type { Known, RecordPlace } from '../../advisories/advisories.ts';
import { type AdvisoryAnswer, makeAdvisoryAnswer } from '../../advisories/answer.ts';
import { MAX_ANSWERED_BYTES, MAX_ANSWERED_IDS } from '../../advisories/limits.ts';
import { type Query, readQueries, readQuery } from '../../advisories/query.ts';
import type { Gate } from '../../async/gate.ts';
import type { CommonShares } from '../../async/shares.ts';
import { runInSlices } from '../../async/yield.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { AdvisoryService } from '../../http/routes/advisories.ts';
import type { FeedInForce, FeedKeeper } from './keeper.ts';
import type { KeptArchive } from './kept-archive.ts';

const COMMA = Buffer.from(',');

/** Answers what OSV's API is asked, out of the feed in force. */
export class AdvisoryAnswers implements AdvisoryService {
  readonly gate: Gate;
  readonly #keeper: Pick<FeedKeeper, 'inForce'> | undefined;

  /** Without a keeper no feed is configured. */
  constructor(keeper: Pick<FeedKeeper, 'inForce'> | undefined, { advisories }: Pick<CommonShares, 'advisories'>) {
    this.#keeper = keeper;
    this.gate = advisories;
  }

  async query(body: Uint8Array): Promise<AdvisoryAnswer> {
    const feed = this.#feed();
    const known = speakingOf(feed, readQuery(body));
    if (known.length === 0) return whole({});
    const places = known.flatMap(({ id }) => feed.advisories.place(id) ?? []);
    return records(feed.archive, places, ['{"vulns":[', ']}']);
  }

  async batch(body: Uint8Array): Promise<AdvisoryAnswer> {
    const feed = this.#feed();
    const queries = readQueries(body);
    return whole({ results: await runInSlices(named(feed, queries)) });
  }

  async record(id: string): Promise<AdvisoryAnswer> {
    const { advisories, archive } = this.#feed();
    const place = advisories.place(id);
    if (place === undefined)
      throw new Refusal('unlisted', 'No advisory of this id is in the feed of this mirror.', { subject: 'request' });
    return records(archive, [place], ['', '']);
  }

  #feed(): FeedInForce {
    if (this.#keeper === undefined)
      throw new Refusal(
        'unlisted',
        'This mirror has no advisories: its operator can name a feed of them (advisories in the configuration).',
        { subject: 'request' },
      );
    const { inForce } = this.#keeper;
    if (inForce === undefined)
      throw new Refusal('state', 'This mirror has not got its advisories yet: nothing can be said of any version.', {
        subject: 'request',
        transient: true,
      });
    return inForce;
  }
}

function speakingOf({ advisories }: FeedInForce, { project, version }: Query): readonly Known[] {
  if (project === undefined) return [];
  return version === undefined ? advisories.of(project) : advisories.about(project, version);
}

function* named(feed: FeedInForce, queries: readonly Query[]): Generator<undefined, readonly object[], undefined> {
  const results: object[] = [];
  let ids = 0;
  for (const query of queries) {
    const vulns = speakingOf(feed, query).map(({ id, modified }) => ({ id, modified }));
    ids += vulns.length;
    if (ids > MAX_ANSWERED_IDS) throw tooMuch(`names more than ${MAX_ANSWERED_IDS} advisories`);
    results.push(vulns.length === 0 ? {} : { vulns });
    yield;
  }
  return results;
}

function whole(value: object): AdvisoryAnswer {
  const bytes = Buffer.from(JSON.stringify(value));
  return makeAdvisoryAnswer({
    length: bytes.byteLength,
    async *pieces() {
      yield bytes;
    },
  });
}

/** One record after the other, as they are asked for: not all of them are in memory. */
function records(
  archive: KeptArchive | undefined,
  places: readonly RecordPlace[],
  [before, after]: readonly [before: string, after: string],
): AdvisoryAnswer {
  const length = places.reduce((sum, { size }) => sum + size + COMMA.byteLength, 0) - COMMA.byteLength;
  if (length > MAX_ANSWERED_BYTES) throw tooMuch(`has more than ${MAX_ANSWERED_BYTES} bytes`);
  if (archive === undefined)
    throw new Refusal('state', 'This mirror could not keep its advisories: it has their ids alone.', {
      subject: 'request',
      transient: true,
    });
  return makeAdvisoryAnswer({
    length: Buffer.byteLength(before) + length + Buffer.byteLength(after),
    async *pieces() {
      for (const [at, place] of places.entries()) {
        const record = await archive.record(place);
        // The first is known to be good before anything is sent.
        yield Buffer.concat([at === 0 ? Buffer.from(before) : COMMA, record]);
      }
      yield Buffer.from(after);
    },
  });
}

function tooMuch(how: string): Refusal {
  return new Refusal('limit', `The answer ${how}: ask about single versions, or about fewer.`, { subject: 'request' });
}
