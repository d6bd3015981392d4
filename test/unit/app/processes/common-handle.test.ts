import { describe, expect, it } from 'vitest';
import { answerLine, errorLine, readRequest } from '../../../../src/app/control/protocol.ts';
import type { LiveStatus } from '../../../../src/app/control/status-answer.ts';
import { createCommonHandle } from '../../../../src/app/processes/common-handle.ts';
import type { Supervising } from '../../../../src/app/processes/common-status.ts';
import { Refusal } from '../../../../src/bytes/refusal.ts';
import { reasonOf } from '../../../support/client.ts';

type Index = LiveStatus['report']['indexes'][number];
type Queue = LiveStatus['server']['queues'][number];

const INDEX: Index = {
  name: 'main',
  evidence: 'index',
  upstream: 'https://index.example/simple/',
  layout: 'simple',
  lastRefresh: undefined,
  lastError: undefined,
  roles: [],
  sealed: undefined,
  carried: undefined,
  leftOut: new Map(),
  firstSight: 0,
  byManifest: 0,
  outOfReach: new Map(),
  quarantined: 0,
  silent: false,
};
const QUEUE: Queue = { queue: 'fills', index: '', places: 4, busy: 1, waiting: 0, refused: 2 };
const SUPERVISING: Supervising = {
  pid: 7,
  version: '1.2.3',
  startedAt: 100,
  workers: { configured: 2, answering: 2 },
  connections: { waiting: 1, refused: 5 },
};

interface Told {
  readonly index?: Partial<Index>;
  readonly bytes?: number;
  readonly queues?: readonly Queue[];
  readonly conditions?: LiveStatus['report']['conditions'];
}

const statusOf = ({ index = {}, bytes = 0, queues = [QUEUE], conditions = [] }: Told = {}): LiveStatus => ({
  report: {
    now: 200,
    judged: 200,
    indexes: [{ ...INDEX, ...index }],
    addresses: [],
    tampered: [],
    store: { bytes, blobs: bytes / 10, limitBytes: 1000, byIndex: new Map() },
    disk: [],
    kept: [],
    fleet: [],
    holds: [],
    conditions,
  },
  server: {
    pid: 8,
    version: '1.2.3',
    startedAt: 150,
    connections: { open: 3, limit: 10, refused: 1 },
    queues,
    syncs: undefined,
    scrub: undefined,
    workers: undefined,
  },
});

const worker = (answer: () => string | Promise<string>) => {
  const asked: unknown[] = [];
  return {
    asked,
    async command(line: string) {
      asked.push(readRequest(line));
      return answer();
    },
  };
};
const telling = (told?: Told) => worker(() => answerLine(statusOf(told)));
const gone = () => worker(() => Promise.reject(new Error('it has ended')));

const status = async (...workers: readonly ReturnType<typeof worker>[]) =>
  (await createCommonHandle(
    () => workers,
    () => SUPERVISING,
  )('status', {})) as LiveStatus;

describe('the status of several workers', () => {
  it('is that of one server, with what each has for itself added up', async () => {
    const other: Queue = { ...QUEUE, queue: 'proofs' };
    const { server } = await status(telling(), telling({ queues: [QUEUE, other] }));
    expect(server).toEqual({
      pid: 7,
      version: '1.2.3',
      startedAt: 100,
      workers: { configured: 2, answering: 2 },
      connections: { open: 7, limit: 20, refused: 7 },
      queues: [{ ...QUEUE, places: 8, busy: 2, refused: 4 }, other],
    });
  });

  it('has of each index what was heard last', async () => {
    const error = (at: number) => ({ reason: 'unreachable', message: `at ${at}`, at });
    const indexOf = async (...told: readonly Told[]) => (await status(...told.map(telling))).report.indexes[0];
    expect(
      await indexOf({ index: { lastRefresh: 10, lastError: error(12) } }, { index: { lastRefresh: 20, silent: true } }),
    ).toMatchObject({ lastRefresh: 20, lastError: undefined, silent: true });
    expect(
      await indexOf({ index: { lastRefresh: 20, lastError: error(25) } }, { index: { lastError: error(30) } }),
    ).toMatchObject({ lastRefresh: 20, lastError: error(30), silent: false });
  });

  it('has every condition once, and the store as whoever has seen all of it', async () => {
    const condition = { what: 'disk', index: '', thing: '', message: 'little room' };
    const { report } = await status(
      telling({ bytes: 20, conditions: [condition] }),
      telling({ bytes: 50, conditions: [condition, { ...condition, what: 'clock' }] }),
    );
    expect(report.conditions.map(({ what }) => what)).toEqual(['disk', 'clock']);
    expect(report.store).toMatchObject({ bytes: 50, blobs: 5, limitBytes: 1000 });
  });

  it('is told without one that ends meanwhile, and by nobody where all have', async () => {
    expect((await status(gone(), telling())).server.connections.open).toBe(4);
    expect(await reasonOf(status(gone()))).toBe('unreachable');
    expect(await reasonOf(status())).toBe('unreachable');
  });
});

describe('a command to several workers', () => {
  const handleOf = (...workers: readonly ReturnType<typeof worker>[]) =>
    createCommonHandle(
      () => workers,
      () => SUPERVISING,
    );

  it('is done by one of them', async () => {
    const [first, other] = [worker(() => answerLine({ done: true })), worker(() => answerLine({}))];
    expect(await handleOf(first, other)('refresh', { name: 'alpha' })).toEqual({ done: true });
    expect([first.asked, other.asked]).toEqual([[{ name: 'refresh', about: { name: 'alpha' } }], []]);
  });

  it('is followed by all of them where another server did it', async () => {
    const workers = [worker(() => answerLine({})), worker(() => answerLine({})), gone()];
    expect(await handleOf(...workers)('follow', { index: 'main' })).toEqual({});
    for (const { asked } of workers) expect(asked).toEqual([{ name: 'follow', about: { index: 'main' } }]);
  });

  it('is refused as the worker refuses it, and where that one ends meanwhile', async () => {
    const refusing = worker(() => errorLine(new Refusal('unlisted', 'No such index.', { subject: 'request' })));
    expect(await reasonOf(handleOf(refusing)('refresh', {}))).toBe('unlisted');
    expect(await reasonOf(handleOf(gone())('refresh', {}))).toBe('unreachable');
    expect(await reasonOf(handleOf()('refresh', {}))).toBe('unreachable');
  });
});
