import { describe, expect, it } from 'vitest';
import type { FileOps } from '../../../src/disk/file-ops.ts';
import { client } from '../../support/callers.ts';
import { type Counted, failAt, faultyOps, systemError } from '../../support/faults.ts';
import {
  content,
  cut,
  expectedOf,
  filesBelow,
  inParts,
  MIB,
  openStore,
  refusalOf,
  reopen,
  type Store,
  sent,
  sha256,
  upstream,
  wanted,
  whole,
} from '../../support/volume-harness.ts';

const SIZE = MIB + 5;
const bytes = content(SIZE);

/** Runs `act` with step 1, 2, 3 … failing, until a run has no such step; each failed run is looked at by `check`. */
async function eachStep(
  code: string,
  when: 'before' | 'after',
  run: (ops: FileOps, faults: ReturnType<typeof failAt>) => Promise<void>,
): Promise<number> {
  for (let at = 1; ; at++) {
    const faults = failAt(at, when, () => {
      throw systemError(code);
    });
    await run(faults.ops, faults);
    if (!faults.hit()) return at - 1;
    expect(at).toBeLessThan(200);
  }
}

async function onlyWholeFiles(store: Store): Promise<void> {
  for (const name of await filesBelow(`${store.data}/blobs/sha256`)) expect(name.replace('/', '')).toBe(sha256(bytes));
  const again = await reopen(store);
  expect((await again.blobs.verifyAll()).wrong).toEqual([]);
}

describe('a disk that fails while a file is filled', () => {
  it('when a download begins anew: the answer nobody reads any more is ended', async () => {
    const failing = faultyOps({
      before: ({ kind }) => {
        if (kind === 'truncate') throw systemError('EIO');
      },
    });
    const store = await openStore({ ops: failing });
    const source = upstream(cut(bytes, MIB), () => ({ start: 0, bytes: inParts(bytes) }));
    expect((await refusalOf(store.blobs.fetch(wanted(bytes), source.download, client()))).reason).toBe('state');
    expect(source.requests.map(({ caller }) => caller.signal.aborted)).toEqual([false, true]);
  });

  for (const code of ['ENOSPC', 'EIO'])
    for (const when of ['before', 'after'] as const)
      it(`${code} ${when} each step in turn: a transient refusal or the right file, never a part of one, and the next fill works`, async () => {
        const steps = await eachStep(code, when, async (ops, faults) => {
          let now = 1;
          const store = await openStore({ ops, nowMs: () => now });
          await store.blobs.scanned;
          faults.arm();
          const result = await store.blobs
            .fetch(wanted(bytes), upstream(whole(bytes)).download, client())
            .catch((error: unknown) => error);
          faults.disarm();
          if (result instanceof Error)
            expect(result).toMatchObject({
              transient: true,
              reason: code === 'ENOSPC' || code === 'EMFILE' ? 'limit' : 'state',
            });
          now += 60_000;
          const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
          expect((await sent(blob, { start: SIZE - 10, end: SIZE })).equals(bytes.subarray(SIZE - 10))).toBe(true);
          await onlyWholeFiles(store);
        });
        expect(steps).toBeGreaterThanOrEqual(8);
      });

  it('an fsync that failed is not tried again: the file goes', async () => {
    const synced: string[] = [];
    const ops = faultyOps({
      before(step: Counted) {
        if (step.kind !== 'sync' || !armed) return;
        synced.push(step.path);
        throw systemError('EIO');
      },
    });
    let armed = false;
    const store = await openStore({ ops });
    armed = true;
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect(await refusalOf(store.blobs.sync(blob.sha256))).toMatchObject({
      reason: 'state',
      transient: true,
    });
    expect(synced).toHaveLength(1);
    expect(await store.blobs.stored(expectedOf(bytes))).toBe(false);
    expect(await filesBelow(`${store.data}/tmp`)).toEqual([]);
    expect(await filesBelow(`${store.data}/blobs/sha256`)).toEqual([]);
  });

  it('an fsync behind the answer that failed costs the file, not the answer', async () => {
    const large = content(16 * MIB);
    const failed = Promise.withResolvers<void>();
    const ops = faultyOps({
      before(step: Counted) {
        if (step.kind === 'sync' && armed) throw systemError('EIO');
      },
    });
    let armed = false;
    const store = await openStore({ ops, onTrouble: () => failed.resolve() });
    armed = true;
    await store.blobs.fetch(wanted(large), upstream(whole(large)).download, client());
    await failed.promise;
    expect(await store.blobs.stored(expectedOf(large))).toBe(false);
    expect(await filesBelow(`${store.data}/blobs/sha256`)).toEqual([]);
  });

  it('nothing is synced on the way of an answer, and a small file not at all', async () => {
    const synced: string[] = [];
    const answered = Promise.withResolvers<void>();
    let waiting: Promise<void> = Promise.resolve();
    const real = faultyOps({});
    const ops: FileOps = {
      ...real,
      openNew: async (path, mode) => {
        const file = await real.openNew(path, mode);
        return {
          ...file,
          async sync() {
            await waiting;
            synced.push(path);
            await file.sync();
          },
        };
      },
      syncDirectory: (path) => waiting.then(() => real.syncDirectory(path)),
    };
    const store = await openStore({ ops });
    synced.length = 0;
    waiting = answered.promise;
    const [small, large] = [content(MIB), content(16 * MIB)];
    await store.blobs.fetch(wanted(small, { origin: 'small' }), upstream(whole(small)).download, client());
    await store.blobs.fetch(wanted(large, { origin: 'large' }), upstream(whole(large)).download, client());
    answered.resolve();
    await store.close();
    expect(synced).toHaveLength(1);
  });

  it('a full disk starts eviction although our own limit is far', async () => {
    let full = false;
    const ops = faultyOps({
      before(step: Counted) {
        if (full && step.kind === 'write') throw systemError('ENOSPC');
      },
    });
    const store = await openStore({ ops });
    const old = content(1000);
    await store.blobs.fetch(wanted(old, { origin: 'old' }), upstream(whole(old)).download, client());
    await store.blobs.scanned;
    full = true;
    expect(await refusalOf(store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client()))).toMatchObject({
      reason: 'limit',
      transient: true,
    });
    expect(await store.blobs.stored(expectedOf(old))).toBe(false);
    expect(await filesBelow(`${store.data}/blobs/sha256`)).toEqual([]);
  });

  it('short writes are carried on', async () => {
    const real = faultyOps({});
    const ops: FileOps = {
      ...real,
      openNew: async (path, mode) => {
        const file = await real.openNew(path, mode);
        return { ...file, write: (part, position) => file.write(part.subarray(0, 100_001), position) };
      },
    };
    const store = await openStore({ ops });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });
});

describe('a disk that fails while a file is read', () => {
  const readFaults = (code: string) => {
    let armed = false;
    const ops = faultyOps({
      before(step: Counted) {
        if (armed && step.kind === 'read' && step.path.includes('/blobs/sha256/')) throw systemError(code);
      },
    });
    return {
      ops,
      set: (on: boolean) => {
        armed = on;
      },
    };
  };

  it('EIO sets the blob aside, and it is filled again', async () => {
    const faults = readFaults('EIO');
    const store = await openStore({ ops: faults.ops, openIdle: 0 });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    faults.set(true);
    expect(await refusalOf(sent(blob))).toMatchObject({ reason: 'state', transient: true });
    faults.set(false);
    expect(store.corrupt).toEqual([sha256(bytes)]);
    const again = upstream(whole(bytes));
    expect((await sent(await store.blobs.fetch(wanted(bytes), again.download, client()))).equals(bytes)).toBe(true);
    expect(again.requests).toHaveLength(1);
  });

  it('too many open files is a transient refusal and costs no blob', async () => {
    let armed = false;
    const ops = faultyOps({
      before(step: Counted) {
        if (armed && step.kind === 'open-read') throw systemError('EMFILE');
      },
    });
    const store = await openStore({ ops, openIdle: 0 });
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    armed = true;
    expect(await refusalOf(sent(blob))).toMatchObject({ reason: 'limit', transient: true });
    armed = false;
    expect((await sent(blob)).equals(bytes)).toBe(true);
    expect(store.corrupt).toEqual([]);
  });

  it('a client that breaks off costs no blob', async () => {
    const store = await openStore();
    const blob = await store.blobs.fetch(wanted(bytes), upstream(whole(bytes)).download, client());
    const broken = blob.send(
      { start: 0, end: SIZE },
      async () => {
        throw systemError('EPIPE');
      },
      client(),
    );
    await expect(broken).rejects.toMatchObject({ code: 'EPIPE' });
    expect(store.corrupt).toEqual([]);
    expect((await sent(blob)).equals(bytes)).toBe(true);
  });
});
