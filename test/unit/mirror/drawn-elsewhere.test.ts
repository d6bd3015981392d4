import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { noEvents } from '../../../src/app/no-events.ts';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { lend } from '../../../src/bytes/proof.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import { DrawnBodies } from '../../../src/mirror/projects/drawn-bodies.ts';
import type { Pin } from '../../../src/ports/index-state.ts';
import { type PageWork, workHere } from '../../../src/ports/page-work.ts';
import type { PageVerdict, Policy } from '../../../src/ports/policy.ts';
import type { JudgedPage } from '../../../src/pypi/listing.ts';
import { PACKED_PAGE } from '../../../src/render/page.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { createPins } from '../../../src/state/pins.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { createMemoryCache } from '../../support/memory-cache.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { policyOver } from '../../support/policies.ts';
import { answerOf, unsignedIndex } from '../../support/unsigned-index.ts';

// A page that one replica has drawn, on another that has a state of its own.

const NOW = 1_800_000_000;
const NAMES = Array.from({ length: 30 }, (_, at) => `alpha-1.${at}.tar.gz`);
const [FIRST = '', SECOND = ''] = NAMES;
const sha256 = (letter: string) => letter.repeat(64);
const pinOf = (letter: string, more: Partial<Pin> = {}): Pin => ({
  digests: new Map([['sha256', sha256(letter)]]),
  seen: NOW - 1000,
  ...more,
});

function pageBytes(more: object = {}): Uint8Array {
  const files = NAMES.map((filename) => ({
    filename,
    url: `https://files.example/${filename}`,
    hashes: { sha256: sha256('a') },
    'core-metadata': { sha256: sha256('c') },
    'upload-time': '2026-01-31T12:00:00.000000Z',
  }));
  return Buffer.from(JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'alpha', files, ...more }));
}

function fleet() {
  const cache = createMemoryCache({ maxBytes: 1e8, nowMs: () => NOW * 1000 });
  const authenticator = makeAuthenticator(new Uint8Array(32), PACKED_PAGE);
  return async ({ bytes = pageBytes(), policy = policyOver() as Policy, knows = new Map<string, Pin>() } = {}) => {
    const guarded = new GuardedCache({ index: 'main', cache, authenticator, emit: noEvents });
    const drawings = { count: 0 };
    const work: PageWork = {
      ...workHere,
      drawPage(...asked) {
        drawings.count++;
        return workHere.drawPage(...asked);
      },
    };
    const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
    const pins = createPins(state);
    if (knows.size > 0) await pins.add('alpha', knows);
    const index = await unsignedIndex({
      now: () => NOW,
      upstream: { document: async () => answerOf(bytes) },
      work,
      policy,
      state,
      drawn: new DrawnBodies([{ cache: guarded, leastBytes: 0 }], {}),
    });
    const page = async () => {
      const served = await (await index.page('alpha', client())).page.with(PLAIN);
      await setImmediate();
      return Buffer.from(lend(served.variant('json', 'identity').body.bytes)).toString();
    };
    return { page, drawings, pins, state, index };
  };
}

const listed = (page: string) =>
  (JSON.parse(page) as { files: { filename: string }[] }).files.map(({ filename }) => filename);

describe('a page that another replica has drawn', () => {
  it('is not drawn again by one that knows nothing of it, which pins its files and stores it before it serves it', async () => {
    const replica = fleet();
    const [one, other] = [await replica(), await replica()];
    const drawn = await one.page();
    expect(await other.page()).toBe(drawn);
    expect([one.drawings.count, other.drawings.count]).toEqual([1, 0]);
    expect(await other.pins.of('alpha')).toEqual(await one.pins.of('alpha'));
    expect((await other.pins.of('alpha')).get(FIRST)).toMatchObject({
      coreMetadata: new Map([['sha256', sha256('c')]]),
      uploadTime: '2026-01-31T12:00:00.000000Z',
      provisional: true,
    });
    expect((await other.state.page('alpha').read())?.value.page?.bytes).toEqual(pageBytes());
    // Its files are found by a drawing of its own.
    expect((await other.index.listing('alpha', client())).listing.files.size).toBe(NAMES.length);
  });

  it('is not drawn again by one that knows its files as they are', async () => {
    const replica = fleet();
    const drawn = await (await replica()).page();
    const other = await replica({
      knows: new Map([[FIRST, pinOf('a', { proved: true, coreMetadata: new Map([['sha256', sha256('c')]]) })]]),
    });
    expect(await other.page()).toBe(drawn);
    expect(other.drawings.count).toBe(0);
    expect((await other.pins.of('alpha')).size).toBe(NAMES.length);
    expect((await other.pins.of('alpha')).get(FIRST)?.seen).toBe(NOW - 1000);
  });

  it.each<readonly [string, Pin, readonly string[]]>([
    ['the bytes of a file', pinOf('b'), NAMES.slice(1)],
    ['the core metadata of a file', pinOf('a', { coreMetadata: new Map([['sha256', sha256('d')]]) }), NAMES],
    ['a file without core metadata, which one look alone announces now', pinOf('a'), NAMES],
  ])('is drawn by one that knows otherwise %s, and serves what its own pins allow', async (_, pin, files) => {
    const replica = fleet();
    const drawn = await (await replica()).page();
    const other = await replica({ knows: new Map([[FIRST, pin]]) });
    const page = await other.page();
    expect(page).not.toBe(drawn);
    expect(listed(page).sort()).toEqual([...files].sort());
    expect(other.drawings.count).toBe(1);
    expect((await other.pins.of('alpha')).get(FIRST)).toMatchObject({ digests: pin.digests });
  });

  it('is drawn by one whose rules hide a file of it, or say that they will say something else later', async () => {
    const replica = fleet();
    await (await replica()).page();
    const rules = policyOver();
    const judging = (verdict: Partial<PageVerdict>): Policy =>
      Object.assign(policyOver(), {
        page: (page: JudgedPage) => ({ ...rules.page(page, new Map(), NOW), ...verdict }),
      });
    const hidden = { action: 'hide', rule: 'no', sentence: () => 'no', refusal: refused } as const;
    const hiding = await replica({ policy: judging({ files: new Map([[SECOND, hidden]]) }) });
    expect(listed(await hiding.page())).not.toContain(SECOND);
    const later = await replica({ policy: judging({ others: { action: 'serve', until: NOW + 60 } }) });
    await later.page();
    expect([hiding.drawings.count, later.drawings.count]).toEqual([1, 1]);
  });

  it('of a project in quarantine offers nothing here either, and is not drawn again', async () => {
    const replica = fleet();
    const bytes = pageBytes({ 'project-status': { status: 'quarantined', reason: 'bad\tand worse' } });
    const [one, other] = [await replica({ bytes }), await replica({ bytes })];
    expect(listed(await one.page())).toEqual([]);
    expect(listed(await other.page())).toEqual([]);
    // What cannot be written down in lines is drawn again.
    expect(other.drawings.count).toBe(1);
    const plain = pageBytes({ 'project-status': { status: 'quarantined' } });
    const [third, fourth] = [await replica({ bytes: plain }), await replica({ bytes: plain })];
    expect([listed(await third.page()), listed(await fourth.page())]).toEqual([[], []]);
    expect([third.drawings.count, fourth.drawings.count]).toEqual([1, 0]);
    expect((await fourth.pins.of('alpha')).size).toBe(NAMES.length);
  });
});

function refused() {
  return new Refusal('policy', 'It is hidden.', { subject: 'file' });
}
