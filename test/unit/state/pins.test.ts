import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Digests } from '../../../src/bytes/digest.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import { createIndexState } from '../../../src/state/index-facts.ts';
import { PINS_IN_MEMORY, STATE_FILE_BYTES } from '../../../src/state/limits.ts';
import { createPins } from '../../../src/state/pins.ts';
import { failAt, faultyOps, systemError } from '../../support/faults.ts';
import { all, filesBelow, refusalOf, scratch } from '../../support/volume-harness.ts';

const hex = (letter: string, length = 64) => letter.repeat(length);
const sha = (letter: string): Digests => new Map([['sha256', hex(letter)]]);
const both = (letter: string, other: string): Digests =>
  new Map([
    ['sha256', hex(letter)],
    ['sha512', hex(other, 128)],
  ]);
const pin = (digests: Digests, seen = 1000, coreMetadata?: Digests): Pin => ({ digests, seen, coreMetadata });

async function opened(data?: string) {
  const directory = data ?? join(await scratch(), 'data');
  const volume = await openVolume(directory);
  return { data: directory, volume, pins: createPins(volume, 'main') };
}

describe('pins', () => {
  it('come back after a restart, with everything they hold', async () => {
    const { data, pins } = await opened();
    const first = new Map([
      ['a-1.0.whl', pin(both('a', 'b'), 1234, sha('c'))],
      ['__proto__', pin(sha('d'))],
      ['9', pin(sha('e'))],
    ]);
    await pins.add('demo', first);
    const again = (await opened(data)).pins;
    expect([...(await again.of('demo'))]).toEqual([...first]);
    expect((await again.of('other')).size).toBe(0);
  });

  it('come back although memory has no room for them', async () => {
    const { pins } = await opened();
    const many = new Map(Array.from({ length: PINS_IN_MEMORY + 1 }, (_, i) => [`f${i}`, pin(sha('a'))]));
    await pins.add('large', many);
    await pins.add('small', new Map([['f', pin(sha('b'))]]));
    expect(await pins.of('large')).toEqual(many);
    expect((await pins.of('small')).get('f')).toEqual(pin(sha('b')));
  });

  it('never change; another digest under the same name leaves them whole', async () => {
    const { data, pins } = await opened();
    await pins.add('demo', new Map([['f', pin(sha('a'))]]));
    await pins.add('demo', new Map([['f', pin(both('b', 'c'), 2000, sha('d'))]]));
    for (const each of [pins, (await opened(data)).pins])
      expect((await each.of('demo')).get('f')).toEqual(pin(sha('a')));
  });

  it('that would make the file too large to be read again are refused, and those there were stay', async () => {
    const { data, pins } = await opened();
    const first = new Map([['f', pin(sha('a'))]]);
    await pins.add('demo', first);
    const flood = new Map([['f'.repeat(STATE_FILE_BYTES), pin(sha('b'))]]);
    expect(await refusalOf(pins.add('demo', flood))).toMatchObject({ reason: 'limit', transient: false });
    for (const each of [pins, (await opened(data)).pins]) expect(await each.of('demo')).toEqual(first);
  });

  it('take on algorithms and core metadata of the same file', async () => {
    const { pins } = await opened();
    await pins.add('demo', new Map([['f', pin(sha('a'))]]));
    await pins.add('demo', new Map([['f', pin(both('a', 'b'), 2000, sha('c'))]]));
    expect((await pins.of('demo')).get('f')).toEqual(pin(both('a', 'b'), 1000, sha('c')));
    await pins.add('demo', new Map([['f', pin(sha('a'), 3000, sha('d'))]]));
    expect((await pins.of('demo')).get('f')?.coreMetadata).toEqual(sha('c'));
    // No algorithm in common: nothing says that it is the same file.
    await pins.add('demo', new Map([['g', pin(sha('a'))]]));
    await pins.add('demo', new Map([['g', pin(new Map([['sha512', hex('b', 128)]]))]]));
    expect((await pins.of('demo')).get('g')).toEqual(pin(sha('a')));
  });

  it('keep what they were first seen with: the fetch, the upload time, that nobody confirmed them', async () => {
    const { data, pins } = await opened();
    const first: Pin = { ...pin(sha('a')), provisional: true, fetch: 'f1', uploadTime: '2026-01-01T00:00:00Z' };
    await pins.add('demo', new Map([['f', first]]));
    // Taking on an algorithm confirms nothing.
    await pins.add('demo', new Map([['f', { ...pin(both('a', 'b')), fetch: 'f2' }]]));
    for (const each of [pins, (await opened(data)).pins])
      expect((await each.of('demo')).get('f')).toEqual({ ...first, digests: both('a', 'b') });
  });

  it('of no more files than the limit are in memory, however few the projects', async () => {
    const reads: string[] = [];
    const ops = faultyOps({
      before: ({ kind, path }) => {
        if (kind === 'open-read' && path.includes('/pins/')) reads.push(path);
      },
    });
    const volume = await openVolume(join(await scratch(), 'data'), { ops });
    const pins = createPins(volume, 'main', 10);
    const few = new Map(['f', 'g', 'h'].map((file) => [file, pin(sha('a'))]));
    for (const project of ['one', 'two']) await pins.add(project, few);
    for (const project of ['one', 'two']) expect(await pins.of(project)).toEqual(few);
    expect(reads).toEqual([]);
    for (const project of ['three', 'four']) await pins.add(project, few);
    expect(await pins.of('one')).toEqual(few);
    expect(reads).toHaveLength(1);
  });

  it('are proved and confirmed one by one, and nothing else of them changes', async () => {
    const { data, pins } = await opened();
    const first: Pin = { ...pin(sha('a'), 5, sha('c')), provisional: true, fetch: 'f1' };
    await pins.add(
      'demo',
      new Map([
        ['f', first],
        ['g', first],
      ]),
    );
    await pins.prove('demo', 'f', sha('a'));
    await pins.prove('demo', 'f', sha('a'));
    await pins.prove('demo', 'absent', sha('a'));
    // Bytes of another digest: a download that ends when its pin has given way.
    await pins.prove('demo', 'g', sha('b'));
    const sibling = (await opened(data)).pins;
    expect(await sibling.of('demo')).toEqual(
      new Map([
        ['f', { ...first, proved: true }],
        ['g', first],
      ]),
    );
    await sibling.confirm('demo', ['f', 'absent']);
    const { provisional: _, ...confirmed } = first;
    for (const each of [pins, (await opened(data)).pins])
      expect(await each.of('demo')).toEqual(
        new Map<string, Pin>([
          ['f', { ...confirmed, proved: true }],
          ['g', first],
        ]),
      );
  });

  it('of one sight give way; confirmed ones only to a word that is not a mere sight', async () => {
    const { data, pins } = await opened();
    const sight = (letter: string): Pin => ({ ...pin(sha(letter)), provisional: true });
    await pins.add('demo', new Map([['f', sight('a')]]));
    await pins.replace('demo', 'f', sight('b'));
    expect((await pins.of('demo')).get('f')).toEqual(sight('b'));
    const sibling = (await opened(data)).pins;
    await sibling.confirm('demo', ['f']);
    await pins.replace('demo', 'f', sight('c'));
    expect((await pins.of('demo')).get('f')).toEqual(pin(sha('b')));
    await pins.replace('demo', 'f', pin(sha('c')));
    expect((await sibling.of('demo')).get('f')).toEqual(pin(sha('c')));
    await pins.revoke('demo', ['f', 'absent']);
    expect((await sibling.of('demo')).size).toBe(0);
  });

  it('name their projects', async () => {
    const { pins } = await opened();
    for (const project of ['demo', 'other', '../x']) await pins.add(project, new Map([['f', pin(sha('a'))]]));
    expect((await all(pins.projects())).sort()).toEqual(['../x', 'demo', 'other']);
  });

  it('added at once, also by other processes, all stay', async () => {
    const { data, pins } = await opened();
    const stores = [pins, (await opened(data)).pins, (await opened(data)).pins];
    await Promise.all(
      Array.from({ length: 30 }, (_, at) => stores[at % 3]?.add('demo', new Map([[`f${at}`, pin(sha('a'), at)]]))),
    );
    for (const each of stores) expect((await each.of('demo')).size).toBe(30);
  });

  it('of one name added at once: the first stays for everybody', async () => {
    const { data, pins } = await opened();
    const sibling = (await opened(data)).pins;
    await Promise.all([
      pins.add('demo', new Map([['f', pin(sha('a'))]])),
      sibling.add('demo', new Map([['f', pin(sha('b'))]])),
    ]);
    const seen = (await pins.of('demo')).get('f');
    expect((await sibling.of('demo')).get('f')).toEqual(seen);
  });

  it('of any project name stay inside their directory', async () => {
    const { data, pins } = await opened();
    const names = ['../../x', '..', 'a/b', '', 'x'.repeat(300), 'é', 'con', 'a.b', '\0'];
    for (const name of names) await pins.add(name, new Map([['f', pin(sha('a'), name.length)]]));
    const again = (await opened(data)).pins;
    for (const name of names) expect((await again.of(name)).get('f')?.seen).toBe(name.length);
    expect(
      (await filesBelow(data)).every((path) =>
        /^(VERSION|indexes\/main\/pins\/[0-9a-f]{2}\/[=a-z0-9-]+\/1\.json)$/.test(path),
      ),
    ).toBe(true);
  });

  it('that are damaged are refused, never taken for none', async () => {
    const { data, pins } = await opened();
    await pins.add('demo', new Map([['f', pin(sha('a'))]]));
    const [path = ''] = (await filesBelow(data)).filter((name) => name.includes('/pins/'));
    const whole = await readFile(join(data, path));
    const other = Buffer.from(whole.toString().replace(hex('a'), hex('b')));
    for (const bytes of [other, whole.subarray(0, 20), Buffer.alloc(0), Buffer.from('{}')]) {
      await writeFile(join(data, path), bytes);
      const fresh = (await opened(data)).pins;
      expect(await refusalOf(fresh.of('demo'))).toMatchObject({ reason: 'state' });
      expect(await refusalOf(fresh.add('demo', new Map([['g', pin(sha('c'))]])))).toMatchObject({ reason: 'state' });
    }
    expect(await readFile(join(data, path), 'utf8')).toBe('{}');
  });

  it('that vanish while we run are refused', async () => {
    const { data, pins } = await opened();
    await pins.add('demo', new Map([['f', pin(sha('a'))]]));
    await rm(join(data, 'indexes'), { recursive: true });
    expect(await refusalOf(pins.of('demo'))).toMatchObject({ reason: 'state' });
  });

  for (const when of ['before', 'after'] as const)
    it(`added while the disk fails ${when} each step in turn: what was there stays, and the next add works`, async () => {
      for (let at = 1; ; at++) {
        const data = join(await scratch(), 'data');
        const faults = failAt(at, when, () => {
          throw systemError('ENOSPC');
        });
        const pins = createPins(await openVolume(data, { ops: faults.ops }), 'main');
        await pins.add('demo', new Map([['f', pin(sha('a'))]]));
        faults.arm();
        const failed = await pins.add('demo', new Map([['g', pin(sha('b'))]])).then(
          () => false,
          () => true,
        );
        faults.disarm();
        const fresh = (await opened(data)).pins;
        expect((await fresh.of('demo')).get('f')).toEqual(pin(sha('a')));
        if (!failed) expect((await fresh.of('demo')).get('g')).toEqual(pin(sha('b')));
        await pins.add('demo', new Map([['g', pin(sha('b'))]]));
        expect((await fresh.of('demo')).size).toBe(2);
        if (!faults.hit()) return;
      }
    });
});

describe('index state', () => {
  it('comes back, and its audit trail only grows', async () => {
    const { data, volume } = await opened();
    const state = createIndexState(volume, 'main');
    expect(await state.load()).toBeUndefined();
    expect(await refusalOf(state.appendAudit({ at: 1, action: 'new-trust', reason: 'r' }))).toMatchObject({
      reason: 'state',
    });
    await state.save({ evidence: 'tuf', pinnedRootSha256: hex('a'), createdAt: 5, audit: [] });
    await state.appendAudit({ at: 6, action: 'new-trust', reason: 'why' });
    await state.save({ evidence: 'tuf', pinnedRootSha256: hex('b'), createdAt: 5, audit: [] });
    const again = createIndexState((await opened(data)).volume, 'main');
    expect(await again.load()).toEqual({
      evidence: 'tuf',
      pinnedRootSha256: hex('b'),
      createdAt: 5,
      audit: [{ at: 6, action: 'new-trust', reason: 'why' }],
    });
  });
});
