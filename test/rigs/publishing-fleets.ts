import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { AnswerBook, readPage, thingsOf } from '../support/answer-book.ts';
import type { Answered } from '../support/ask.ts';
import { badGateway } from '../support/bad-days.ts';
import { startFakePypi } from '../support/fake-pypi.ts';
import { until } from '../support/redis.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { scratch } from '../support/volume-harness.ts';
import { OLD, startIndexRig } from './index-rig.ts';
import { JSON_PAGE, type Mirror } from './mirror.ts';
import { signedFleet } from './signed-fleet.ts';

/** One of a fleet, with a data directory of its own. */
export interface FleetMember {
  readonly name: string;
  readonly mirror: Pick<Mirror, 'get' | 'events' | 'restart' | 'stop' | 'verify'>;
  /** It learns from upstream what is newest there. */
  readonly learn: () => Promise<unknown>;
}

/** Three replicas of an index that has one project, to which upstream adds a release again and again. */
export interface PublishingFleet {
  readonly members: readonly FleetMember[];
  /** What clients of each got. */
  readonly book: AnswerBook;
  readonly publish: () => void;
  /** Asks one of them for everything once, and writes down what came. Throws where it is not answered. */
  readonly read: (member: FleetMember) => Promise<void>;
  /** How many releases it lists, as clients are answered; what came is written down. */
  readonly releases: (member: FleetMember) => Promise<number>;
  /** Releases that upstream has. */
  readonly published: () => number;
  /** Upstream answers nobody any more. */
  readonly endUpstream: () => void;
}

export type MakeFleet = (redis: readonly number[]) => Promise<PublishingFleet>;

const NAMES = ['one', 'two', 'three'];
const wheel = (release: number) => tinyWheel('alpha', `${release}.0`);
const wheels = (count: number) => Array.from({ length: count }, (_, at) => wheel(at + 1));

/** The members ask as clients do: of what each answer says, what counts. */
function asking(
  book: AnswerBook,
  index: string,
  path: (release: number) => string,
  version: (answer: Answered) => number | undefined,
) {
  const get = async ({ mirror }: FleetMember, at: string, accept = '*/*') => {
    const answer = await mirror.get(at, { headers: { accept } });
    if (answer.status !== 200) throw new Error(`${at} is answered by ${answer.status}: ${answer.body}`);
    return answer;
  };
  const page = async (member: FleetMember) => {
    const got = await book.answer(member.name, index, async () => {
      const answer = await get(member, '/simple/alpha/', JSON_PAGE);
      return { thing: 'page', version: version(answer), ...readPage(answer.body.toString()) };
    });
    return got.files.length;
  };
  const file = (member: FleetMember, release: number) =>
    book.answer(member.name, index, async () => {
      const { body } = await get(member, path(release));
      return { thing: wheel(release).filename, sha256: sha256Hex(body) };
    });
  return { get, page, file };
}

export const signedPublishing: MakeFleet = async (redis) => {
  const book = new AnswerBook();
  const made = signedFleet(redis, (signed) => signed.upload('alpha', wheel(1)));
  const { signed, clock } = made;
  let count = 1;
  const told = () => {
    const { files, timestamp } = signed.repository;
    const bytes = files.get('metadata/timestamp.json') ?? Buffer.alloc(0);
    const things = new Map([...thingsOf(wheels(count)), ['timestamp', [sha256Hex(bytes)]]]);
    book.published('main', timestamp.version, things);
  };
  told();
  const rigs = await Promise.all(NAMES.map(() => made.replica()));
  const members = rigs.map((mirror, at) => ({ name: NAMES[at] ?? '', mirror, learn: () => mirror.refresh() }));
  const { get, page, file } = asking(
    book,
    'main',
    (release) => `/${signed.filePath(wheel(release))}`,
    () => undefined,
  );
  return {
    members,
    book,
    published: () => count,
    publish() {
      signed.upload('alpha', wheel(++count));
      signed.publish();
      told();
      clock.advance(60);
    },
    async read(member) {
      await book.answer(member.name, 'main', async () => {
        const { body } = await get(member, '/tuf/metadata/timestamp.json');
        const version = Number(JSON.parse(body.toString()).signed.version);
        return { thing: 'timestamp', version, sha256: sha256Hex(body) };
      });
      await file(member, await page(member));
    },
    releases: page,
    endUpstream() {
      for (const { upstream } of rigs) upstream.fault('*', { kind: 'status', status: 503 });
    },
  };
};

export const unsignedPublishing: MakeFleet = async (redis) => {
  const book = new AnswerBook();
  const pypi = await startFakePypi();
  onTestFinished(() => pypi.close());
  const directory = await scratch();
  const key = join(directory, 'seal.key');
  await writeFile(key, 'a secret of more than sixteen bytes');
  let count = 0;
  const publish = () => {
    count++;
    pypi.upload('alpha', wheel(count));
    const { meta } = JSON.parse(pypi.pageOf('alpha').toString());
    book.published('main/alpha', meta['_last-serial'], thingsOf(wheels(count)));
  };
  publish();
  const members: FleetMember[] = [];
  for (const name of NAMES) {
    const seal = { key, epoch: join(directory, `epoch-${name}`) };
    const mirror = await startIndexRig({ redis, seal, pypi });
    onTestFinished(() => mirror.close());
    // What another has only just confirmed is fresh here, too, and upstream is not asked.
    const learn = () => until(async () => (await mirror.later('alpha', OLD)).length === count);
    members.push({ name, mirror, learn });
  }
  const { page, file } = asking(
    book,
    'main/alpha',
    (release) => pypi.storedAt(wheel(release)),
    ({ headers }) => Number(headers['x-pypi-last-serial']),
  );
  return {
    members,
    book,
    published: () => count,
    publish,
    async read(member) {
      await file(member, await page(member));
    },
    releases: page,
    endUpstream() {
      pypi.page('alpha', badGateway);
      pypi.files.fault('*', { kind: 'status', status: 503 });
    },
  };
};
