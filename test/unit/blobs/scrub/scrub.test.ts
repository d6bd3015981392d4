import { expect, it, onTestFinished } from 'vitest';
import { rateOf } from '../../../../src/blobs/scrub/pace.ts';
import type { EndedRound } from '../../../../src/blobs/scrub/record.ts';
import { Scrub, type ScrubOptions, type Waiting } from '../../../../src/blobs/scrub/scrub.ts';
import { StorageError } from '../../../../src/ports/blob-storage.ts';
import { createMemoryBlobs } from '../../../support/memory-blobs.ts';
import { content, sha256 } from '../../../support/volume-harness.ts';

// What lies on disk is read again whatever memory believes, at a clock that goes on only where somebody waits.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const BEGAN = Date.UTC(2026, 10, 26);

/** Stands still at `end` milliseconds after its begin. */
function clockTo(end: number): Waiting & { readonly passed: () => number } {
  let passed = 0;
  return {
    passed: () => passed,
    now: () => BEGAN + passed,
    async wait(ms, signal) {
      signal.throwIfAborted();
      if (passed + ms <= end) passed += ms;
      else await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    },
  };
}

async function storeOf(files: readonly Buffer[]) {
  const memory = createMemoryBlobs();
  const storage = memory.party();
  for (const bytes of files) {
    const writer = await storage.begin();
    await writer.write(bytes, 0);
    await writer.commit(sha256(bytes));
  }
  let saved: Uint8Array | undefined;
  const record = {
    read: async () => saved,
    write: async (bytes: Uint8Array) => {
      saved = bytes;
    },
  };
  return {
    memory,
    storage,
    record,
    names: files.map((bytes) => sha256(bytes)),
    bytes: files.reduce((all, each) => all + each.byteLength, 0),
  };
}

type Held = Awaited<ReturnType<typeof storeOf>>;

interface Beginning extends Partial<ScrubOptions> {
  /** Called for each list; what it throws is what the list fails with. */
  readonly listed?: () => void;
}

function begin({ storage, record, names, bytes }: Held, { listed = () => {}, ...options }: Beginning = {}) {
  const rounds: EndedRound[] = [];
  const troubles: unknown[] = [];
  const read: string[] = [];
  const { open } = options.storage ?? storage;
  const scrub = new Scrub({
    ready: Promise.resolve(),
    names: () => names,
    stored: () => bytes,
    record,
    pace: { days: 30 },
    isBusy: () => false,
    setAside: (name) => storage.setAside(name),
    onRound: (round) => rounds.push(round),
    onTrouble: (error) => troubles.push(error),
    waiting: clockTo(DAY - 1),
    ...options,
    storage: {
      async *list() {
        listed();
        yield* (options.storage ?? storage).list();
      },
      open: (name, range) => {
        read.push(name);
        return open(name, range);
      },
    },
  });
  onTestFinished(() => scrub.close());
  return { scrub, rounds, troubles, read };
}

const FILES = [content(3), content(700_000), content(0), content(256 * 1024)];
const ORDER = FILES.map((bytes) => sha256(bytes)).sort();

it('every file is read whole, in the order of digests, and the round is told', async () => {
  const { rounds, scrub, read } = begin(await storeOf(FILES));
  await expect.poll(() => rounds).toMatchObject([{ files: 4, bytes: 700_003 + 256 * 1024, damaged: 0 }]);
  expect(read).toEqual(ORDER);
  expect(scrub.report).toMatchObject({ files: 4, damaged: 0, last: { files: 4 } });
});

it.each([0, 300_000, 699_999])('a bit that changed at byte %i is found, and the file is set aside', async (at) => {
  const held = await storeOf(FILES);
  const name = sha256(FILES[1] ?? Buffer.alloc(0));
  held.memory.change(name, at);
  const { rounds, scrub } = begin(held);
  await expect.poll(() => rounds).toMatchObject([{ files: 3, damaged: 1 }]);
  expect(held.memory.setAside).toEqual([name]);
  expect(scrub.report.damaged).toBe(1);
});

it('what is no file is set aside, though nobody counts it as stored', async () => {
  const held = await storeOf(FILES);
  const name = 'ab'.repeat(32);
  held.memory.break(name);
  const { rounds } = begin(held);
  await expect.poll(() => rounds).toMatchObject([{ files: 4, damaged: 1 }]);
  expect(held.memory.setAside).toEqual([name]);
});

it('a file that is right at the second reading stays', async () => {
  const held = await storeOf(FILES);
  const name = ORDER[1] ?? '';
  let looks = 0;
  const { rounds, read } = begin(held, {
    storage: {
      list: () => held.storage.list(),
      open: (asked, range) => held.storage.open(asked === name && looks++ === 0 ? (ORDER[0] ?? '') : asked, range),
    },
  });
  await expect.poll(() => rounds).toMatchObject([{ files: 4, damaged: 0 }]);
  expect(read.filter((asked) => asked === name)).toHaveLength(2);
  expect(held.memory.setAside).toEqual([]);
});

it('what cannot be read at this moment is told and left, and the round goes on', async () => {
  const held = await storeOf(FILES);
  const name = ORDER[0] ?? '';
  const busy = new StorageError('busy', 'Too many files are open.');
  const { rounds, troubles } = begin(held, {
    storage: {
      list: () => held.storage.list(),
      open: async (asked, range) => {
        if (asked === name) throw busy;
        return held.storage.open(asked, range);
      },
    },
  });
  await expect.poll(() => rounds).toMatchObject([{ files: 3, damaged: 0 }]);
  expect(troubles).toEqual([busy]);
  expect(held.memory.setAside).toEqual([]);
});

it('what went meanwhile is neither proved nor damaged', async () => {
  const held = await storeOf(FILES);
  await held.storage.remove(ORDER[2] ?? '');
  const { rounds } = begin(held);
  await expect.poll(() => rounds).toMatchObject([{ files: 3, damaged: 0 }]);
});

it('a restart goes on where the last one stopped, and counts the round as one', async () => {
  const held = await storeOf(FILES);
  // Stands still in the pause behind the first large file, at ten bytes a second.
  const first = begin(held, { pace: { days: 1, bytesPerSecond: 10 }, waiting: clockTo(2 * MINUTE) });
  await expect.poll(() => first.scrub.report.files).toBeGreaterThan(0);
  await first.scrub.close();
  const second = begin(held);
  await expect.poll(() => second.rounds).toMatchObject([{ files: 4, damaged: 0 }]);
  expect([...first.read, ...second.read]).toEqual(ORDER);
  await second.scrub.close();
  expect(begin(held, { waiting: clockTo(0) }).scrub.report.files).toBe(0);
});

it('the last round is known after a restart, which begins none before its day is over', async () => {
  const held = await storeOf(FILES);
  const first = begin(held);
  await expect.poll(() => first.rounds).toHaveLength(1);
  await first.scrub.close();
  const { scrub, read } = begin(held, { waiting: clockTo(23 * 60 * MINUTE) });
  await expect.poll(() => scrub.report.last).toEqual(first.rounds[0]);
  // Its day is not over: there is nothing to do yet.
  await scrub.close();
  expect(read).toEqual([]);
});

it.each([
  '',
  'no JSON',
  '{"round":{"after":"../x","beganMs":1,"files":0,"bytes":0,"damaged":0}}',
  '{"round":{"after":"","beganMs":-1}}',
  '[]',
])('of a record that is none (%s) nothing is believed: the round begins anew', async (said) => {
  const held = await storeOf(FILES);
  await held.record.write(Buffer.from(said));
  const { rounds, read } = begin(held);
  await expect.poll(() => rounds).toMatchObject([{ files: 4 }]);
  expect(read).toEqual(ORDER);
});

it('nothing is read until it is known what is stored', async () => {
  const ready = Promise.withResolvers<void>();
  const clock = clockTo(DAY - 1);
  const { rounds, read } = begin(await storeOf(FILES), { ready: ready.promise, waiting: clock });
  await expect.poll(() => clock.passed()).toBe(MINUTE);
  expect(read).toEqual([]);
  ready.resolve();
  await expect.poll(() => rounds).toHaveLength(1);
});

it('it waits for whoever needs the disk, and then for a second at most', async () => {
  const clock = clockTo(DAY - 1);
  const waitedAt: number[] = [];
  let looks = 0;
  const { rounds } = begin(await storeOf([content(10)]), {
    waiting: clock,
    isBusy: () => {
      waitedAt.push(clock.passed() - MINUTE);
      return ++looks <= 3;
    },
  });
  await expect.poll(() => rounds).toHaveLength(1);
  expect(waitedAt).toEqual([0, 50, 100, 150]);

  const crowded = clockTo(DAY - 1);
  const asked: number[] = [];
  const other = begin(await storeOf([content(10)]), {
    waiting: crowded,
    isBusy: () => {
      asked.push(crowded.passed() - MINUTE);
      return true;
    },
  });
  await expect.poll(() => other.rounds).toHaveLength(1);
  expect(asked.at(-1)).toBe(950);
});

it('a file is followed by a pause that keeps the pace, and no round begins sooner than a day after the last', async () => {
  const clock = clockTo(2 * DAY - 1);
  const pace = { days: 30, bytesPerSecond: 1000 };
  const { rounds } = begin(await storeOf([content(100_000), content(50_000)]), { pace, waiting: clock });
  await expect.poll(() => rounds).toHaveLength(2);
  expect(rounds[0]?.seconds).toBe(150);
  expect((rounds[1]?.endedMs ?? 0) - (rounds[0]?.endedMs ?? 0)).toBe(DAY);
});

it('a round takes as many days as are said, a small store fewer', () => {
  expect(rateOf({ days: 10 }, 864e9)).toBe(1e6);
  expect(rateOf({ days: 10 }, 1000)).toBe(64 * 1024);
  expect(rateOf({ days: 10, bytesPerSecond: 5 }, 864e9)).toBe(5);
});

it('a disk that cannot be listed is tried again after a pause that grows, which is counted and told', async () => {
  const held = await storeOf(FILES);
  let left = 9;
  const waits: number[] = [];
  const waiting = clockTo(DAY - 1);
  const { rounds, troubles, scrub } = begin(held, {
    listed: () => {
      if (left-- > 0) throw new StorageError('failed', 'no list today');
    },
    waiting: {
      now: () => waiting.now(),
      wait(ms, signal) {
        if (ms >= MINUTE) waits.push(ms / MINUTE);
        return waiting.wait(ms, signal);
      },
    },
  });
  await expect.poll(() => rounds).toMatchObject([{ files: 4, damaged: 0 }]);
  // The first is from the start, which has more to do.
  expect(waits.slice(0, 10)).toEqual([1, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(troubles).toHaveLength(9);
  expect(scrub.report).toMatchObject({ failures: 9, failed: undefined });
});

it('says why a disk cannot be listed for as long as it cannot', async () => {
  const { scrub } = begin(await storeOf(FILES), {
    listed: () => {
      throw new StorageError('failed', 'no list today');
    },
  });
  await expect.poll(() => scrub.report).toMatchObject({ files: 0, failed: 'no list today' });
});

it('an end is no failure', async () => {
  const { scrub, rounds, troubles } = begin(await storeOf(FILES));
  await expect.poll(() => rounds).toHaveLength(1);
  await scrub.close();
  expect([troubles, scrub.report.failures]).toEqual([[], 0]);
});

it('an end stops a list where it is', async () => {
  const held = await storeOf(FILES);
  let listed = 0;
  const { scrub, read } = begin(held, {
    storage: {
      ...held.storage,
      async *list() {
        for await (const each of held.storage.list()) {
          if (++listed === 2) void scrub.close();
          yield each;
        }
      },
    },
  });
  await expect.poll(() => listed).toBe(2);
  await scrub.close();
  expect([listed, read]).toEqual([2, []]);
});

it('what fails because it ends is no trouble', async () => {
  const held = await storeOf(FILES);
  const { scrub, read, troubles } = begin(held, {
    storage: {
      ...held.storage,
      async open() {
        void scrub.close();
        throw new StorageError('busy', 'Too many files are open.');
      },
    },
  });
  await expect.poll(() => read).toHaveLength(1);
  await scrub.close();
  expect([read.length, troubles]).toEqual([1, []]);
});
