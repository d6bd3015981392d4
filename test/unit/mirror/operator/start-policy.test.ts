import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../../src/bytes/digest.ts';
import { holdToRoot, holdToUpstream, type IndexStart } from '../../../../src/mirror/operator/start-policy.ts';
import type { IndexState } from '../../../../src/ports/index-state.ts';
import { createIndexState } from '../../../../src/state/index-state.ts';
import { createPins } from '../../../../src/state/pins.ts';
import { trustOf } from '../../../crash/work.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

const [ROOT, OTHER] = [Buffer.from('root 1'), Buffer.from('another root')];
const [UPSTREAM, ELSEWHERE] = ['https://index.example/simple/', 'https://elsewhere.example/simple/'];

const state = () => createIndexState({ storage: createMemoryState().party(), index: 'main' });
const signed = (over: Partial<IndexStart> = {}): IndexStart => ({
  evidence: 'tuf',
  now: 5,
  newTrust: undefined,
  onSpent: () => undefined,
  ...over,
});
const unsigned = (over: Partial<IndexStart> = {}): IndexStart => signed({ evidence: 'index', ...over });
const factsOf = async ({ facts }: IndexState) => (await facts.read())?.value;
const refused = { reason: 'state', transient: false };

describe('a signed index', () => {
  it('notes its pinned root once that is accepted, and not before', async () => {
    const index = state();
    const accepted = await holdToRoot(index, ROOT, signed());
    expect(await factsOf(index)).toBeUndefined();
    await accepted();
    const first = { evidence: 'tuf', pinnedRootSha256: sha256Hex(ROOT), createdAt: 5, audit: [] };
    expect(await factsOf(index)).toEqual(first);
    await (await holdToRoot(index, ROOT, signed({ now: 6 })))();
    expect(await factsOf(index)).toEqual(first);
    await holdToRoot(index, OTHER, signed({ now: 7 }));
    expect(await factsOf(index)).toEqual(first);
    await (await holdToRoot(index, OTHER, signed({ now: 7 })))();
    expect(await factsOf(index)).toEqual({ ...first, pinnedRootSha256: sha256Hex(OTHER) });
  });

  it('does not become one that signs nothing, nor the other way round', async () => {
    const one = state();
    await (await holdToRoot(one, ROOT, signed()))();
    await expect(holdToUpstream(one, UPSTREAM, unsigned())).rejects.toMatchObject(refused);
    const other = state();
    await holdToUpstream(other, UPSTREAM, unsigned());
    await expect(holdToRoot(other, ROOT, signed())).rejects.toMatchObject(refused);
  });

  it('begins its trust again by an audited word, which is on record before the trust is put aside', async () => {
    const index = state();
    await (await holdToRoot(index, ROOT, signed()))();
    await index.trust.publish(trustOf(1), undefined);
    const cut: IndexState = { ...index, setTrustAside: () => Promise.reject(new Error('no room')) };
    await expect(holdToRoot(cut, OTHER, signed({ now: 8, newTrust: 'moved house' }))).rejects.toThrow('no room');
    const audit = [{ at: 8, action: `new-trust root=${sha256Hex(OTHER)}`, reason: 'moved house' }];
    expect((await factsOf(index))?.audit).toEqual(audit);
    expect(await index.trust.load()).toBeDefined();
    // The next start ends what the crash cut short, with the same words, with none, or with others.
    await holdToRoot(index, OTHER, signed({ now: 9 }));
    expect(await index.trust.load()).toBeUndefined();
    expect((await factsOf(index))?.audit).toEqual(audit);
    await holdToRoot(index, OTHER, signed({ now: 10, newTrust: 'once more' }));
    expect((await factsOf(index))?.audit).toHaveLength(2);
  });

  it('goes on without a word that an earlier start carried out, and says that it is spent', async () => {
    const index = state();
    await (await holdToRoot(index, ROOT, signed()))();
    let spent = 0;
    const word = (now: number) => signed({ now, newTrust: 'moved house', onSpent: () => void spent++ });
    await (await holdToRoot(index, OTHER, word(6)))();
    await index.trust.publish(trustOf(1), undefined);
    expect(spent).toBe(0);
    await (await holdToRoot(index, OTHER, word(7)))();
    expect(spent).toBe(1);
    expect(await index.trust.load()).toBeDefined();
    expect((await factsOf(index))?.audit).toHaveLength(1);
  });

  it('follows one that signed nothing by an audited word, keeps its pins, and goes back by another', async () => {
    const index = state();
    await holdToUpstream(index, UPSTREAM, unsigned());
    const pin = { digests: new Map([['sha256', 'a'.repeat(64)]] as const), seen: 1 };
    await createPins(index).add('demo', new Map([['f', pin]]));
    await expect(holdToRoot(index, ROOT, signed())).rejects.toThrow('serve --new-trust main="why"');
    const moving = signed({ now: 6, newTrust: 'it signs now' });
    await (await holdToRoot(index, ROOT, moving))();
    expect(await factsOf(index)).toMatchObject({
      evidence: 'tuf',
      pinnedRootSha256: sha256Hex(ROOT),
      audit: [{ at: 6, action: `new-trust evidence=tuf root=${sha256Hex(ROOT)}`, reason: 'it signs now' }],
    });
    expect((await createPins(index).of('demo')).get('f')?.digests).toEqual(pin.digests);
    let spent = 0;
    await (await holdToRoot(index, ROOT, { ...moving, now: 7, onSpent: () => void spent++ }))();
    expect(spent).toBe(1);
    await expect(holdToUpstream(index, UPSTREAM, unsigned({ now: 8 }))).rejects.toMatchObject(refused);
    // Pages heard before the move are not served before upstream was asked again.
    expect(await holdToUpstream(index, UPSTREAM, unsigned({ now: 9, newTrust: 'signing ended' }))).toBe(9);
    expect(await factsOf(index)).toMatchObject({ evidence: 'index', upstreamSince: 9 });
    expect((await createPins(index).of('demo')).has('f')).toBe(true);
  });

  it('keeps the word it was begun by', async () => {
    const index = state();
    await (await holdToRoot(index, ROOT, signed({ newTrust: 'a first start' })))();
    expect((await factsOf(index))?.audit).toEqual([
      { at: 5, action: `new-trust root=${sha256Hex(ROOT)}`, reason: 'a first start' },
    ]);
  });
});

describe('an index that signs nothing', () => {
  it('is the word of one upstream; another one needs an audited word where anything was seen', async () => {
    const index = state();
    expect(await holdToUpstream(index, UPSTREAM, unsigned())).toBeUndefined();
    expect(await holdToUpstream(index, UPSTREAM, unsigned({ now: 6 }))).toBeUndefined();
    // Nothing was seen yet: it may be another, and is begun with it.
    expect(await holdToUpstream(index, ELSEWHERE, unsigned({ now: 7 }))).toBe(7);
    await createPins(index).add('demo', new Map([['f', { digests: new Map([['sha256', 'a'.repeat(64)]]), seen: 1 }]]));
    await expect(holdToUpstream(index, UPSTREAM, unsigned({ now: 8 }))).rejects.toMatchObject(refused);
    expect((await factsOf(index))?.upstream).toBe(ELSEWHERE);
    expect(await holdToUpstream(index, UPSTREAM, unsigned({ now: 9, newTrust: 'it moved' }))).toBe(9);
    expect(await factsOf(index)).toMatchObject({
      upstream: UPSTREAM,
      upstreamSince: 9,
      audit: [{ at: 9, action: `new-trust upstream=${UPSTREAM}`, reason: 'it moved' }],
    });
    expect(await holdToUpstream(index, UPSTREAM, unsigned({ now: 10 }))).toBe(9);
  });

  it('remembers also where all that is left is the floor of a page that is gone', async () => {
    const index = state();
    await holdToUpstream(index, UPSTREAM, unsigned());
    await index.page('demo').change(() => ({ gone: { serial: 7 } }));
    await expect(holdToUpstream(index, ELSEWHERE, unsigned())).rejects.toMatchObject(refused);
  });
});
