import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import type { QuarantineEntry } from '../../../src/ports/policy.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { reasonOf } from '../../support/client.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { openPolicy } from '../../support/policies.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

// What an operator puts in quarantine is served in no way from that moment on, until it is lifted.

const OLD = 'alpha-1.0-py3-none-any.whl';
const NEW = 'alpha-2.0-py3-none-any.whl';
const SDIST = 'alpha-2.0.0.tar.gz';
const NOW = 1_800_000_000;

let memory: ReturnType<typeof createMemoryState>;
beforeEach(() => {
  memory = createMemoryState();
});

const stateOf = () => createIndexState({ storage: memory.party(), index: 'main' });
const put = (...entries: readonly Omit<QuarantineEntry, 'at'>[]) =>
  stateOf()
    .quarantine('alpha')
    .change(() => entries.map((entry) => ({ at: NOW, ...entry })));

async function start(...others: readonly string[]) {
  const state = stateOf();
  const asked = { count: 0 };
  const index = await unsignedIndex({
    now: () => NOW,
    state,
    policy: await openPolicy(state),
    upstream: {
      async document() {
        asked.count++;
        return answerOf(pageOf([OLD, NEW, SDIST, ...others]));
      },
    },
  });
  const names = async () => [...(await index.listing('alpha', client())).listing.files.keys()];
  const file = (filename: string) => index.file({ project: 'alpha', digest: 'a'.repeat(64), filename }, client());
  return { index, names, file, asked };
}

describe('a version in quarantine by hand', () => {
  it('is out of the page and refused by its address, in every spelling, and the others are not', async () => {
    await put({ version: 'v2', reason: 'ticket 7' });
    const { index, names, file } = await start();
    expect(await names()).toEqual([OLD]);
    for (const name of [NEW, SDIST, `${NEW}.metadata`])
      expect(await file(name).catch((error: unknown) => error)).toMatchObject({
        reason: 'policy',
        message: expect.stringContaining('in quarantine here (ticket 7)'),
      });
    expect((await file(OLD)).filename).toBe(OLD);
    expect((await index.listing('alpha', client())).leftOut()).toEqual([
      { name: NEW, why: 'policy' },
      { name: SDIST, why: 'policy' },
    ]);
  });

  it('is refused in whatever it was built for', async () => {
    await put({ version: '2.0', reason: 'ticket 7' });
    const built = ['alpha-2.0.win32-py2.7.exe', 'alpha-2.0.linux-x86_64.tar.gz', 'alpha-2.0-1.noarch.rpm'];
    const { names, file } = await start(...built);
    expect(await names()).toEqual([OLD]);
    for (const name of built) expect(await reasonOf(file(name))).toBe('policy');
  });

  it('is refused from the moment that it is heard of, though the page is at hand, and upstream is not asked again', async () => {
    const { index, names, file, asked } = await start();
    await index.page('alpha', client());
    expect(index.warmPage('alpha', PLAIN)).toBeDefined();
    await put({ version: '2.0', reason: 'ticket 7' });
    await index.judgeAgain('alpha');
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(await names()).toEqual([OLD]);
    expect(await reasonOf(file(NEW))).toBe('policy');
    await put();
    await index.judgeAgain('alpha');
    expect(await names()).toEqual([OLD, NEW, SDIST]);
    expect(asked.count).toBe(1);
  });

  it('that is put there while it is fetched is refused before its first byte leaves', async () => {
    const bytes = Buffer.from('the bytes of a file');
    const page = JSON.parse(String(pageOf([OLD])));
    page.files[0].hashes = { sha256: sha256Hex(bytes) };
    const state = stateOf();
    const index = await unsignedIndex({
      now: () => NOW,
      state,
      upstream: {
        document: async () => answerOf(Buffer.from(JSON.stringify(page))),
        download:
          () =>
          async ({ offset }) => {
            await put({ version: '1.0', reason: 'ticket 8' });
            await index.judgeAgain('alpha');
            return { start: offset, bytes: once(bytes.subarray(offset)) };
          },
      },
    });
    const found = await index.file({ project: 'alpha', digest: sha256Hex(bytes), filename: OLD }, client());
    expect(await reasonOf(found.open())).toBe('policy');
  });
});

describe('a project in quarantine by hand', () => {
  it('has a page that lists nothing, and no file of it is served, listed or not', async () => {
    await put({ reason: 'ticket 9' });
    const { names, file } = await start();
    expect(await names()).toEqual([]);
    for (const name of [OLD, NEW, 'alpha-9.9-py3-none-any.whl']) expect(await reasonOf(file(name))).toBe('policy');
  });

  it('stays there when one version of it is lifted', async () => {
    await put({ reason: 'all' }, { version: '1.0', reason: 'one' });
    const { index, names } = await start();
    await put({ reason: 'all' });
    await index.judgeAgain('alpha');
    expect(await names()).toEqual([]);
  });

  it('changes the rules of no other project', async () => {
    const policy = await openPolicy(stateOf());
    const before = [policy.version('alpha'), policy.version('beta')];
    await put({ reason: 'ticket 9' });
    await policy.follow('alpha');
    expect(policy.version('beta')).toBe(before[1]);
    expect(policy.version('alpha')).not.toBe(before[0]);
    await put();
    await policy.follow('alpha');
    expect(policy.version('alpha')).toBe(before[0]);
  });
});

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
