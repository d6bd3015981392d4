import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import type { Allowed, Denied, PageVerdict, Policy } from '../../../src/ports/policy.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { reasonOf } from '../../support/client.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

// What a policy says at the name, the page and the file is what is served.

const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';
const SERVE: Allowed = { action: 'serve' };
const NOW = 1_800_000_000;

const refusing = (action: Denied['action'], until?: number): Denied => ({
  action,
  rule: 'a rule of this test',
  sentence: (filename) => `${filename} is not liked.`,
  refusal: (filename) => new Refusal('policy', `${filename} is not liked.`, { subject: 'file' }),
  until,
});

function policyOf(over: Partial<Policy>): Policy {
  return {
    version: () => '1',
    name: () => SERVE,
    page: () => ({ files: new Map(), others: SERVE, told: [] }),
    unlisted: () => SERVE,
    file: async () => SERVE,
    follow: async () => undefined,
    quarantined: 0,
    ...over,
  };
}

const judging =
  (verdict: () => Partial<PageVerdict>): Policy['page'] =>
  () => ({ files: new Map(), others: SERVE, told: [], ...verdict() });

async function start(policy: Policy, bytes: Uint8Array = pageOf([OLD, NEW])) {
  const clock = { now: NOW };
  let asked = 0;
  const index = await unsignedIndex({
    now: () => clock.now,
    policy,
    upstream: {
      async document() {
        asked++;
        return answerOf(bytes);
      },
      download:
        () =>
        async ({ offset }) => ({ start: offset, bytes: once(BYTES.subarray(offset)) }),
    },
  });
  const names = async () => [...(await index.listing('alpha', client())).listing.files.keys()];
  return { index, clock, names, asked: () => asked };
}

const BYTES = Buffer.from('the bytes of a file');

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe('a policy', () => {
  it('that denies a name is asked before upstream is', async () => {
    const { index, asked } = await start(policyOf({ name: () => refusing('deny') }));
    expect(await reasonOf(index.page('alpha', client()))).toBe('policy');
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(asked()).toBe(0);
  });

  it('that comes to deny a name denies a page that is at hand', async () => {
    let denies = false;
    const { index } = await start(policyOf({ name: () => (denies ? refusing('deny') : SERVE) }));
    await index.page('alpha', client());
    expect(index.warmPage('alpha', PLAIN)).toBeDefined();
    denies = true;
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
  });

  it.each([
    ['that was never asked for', false],
    ['that is at hand', true],
  ])('that denies a name %s denies its page, its listing, its files and a look at it', async (_, isAtHand) => {
    let denies = !isAtHand;
    const { index, asked } = await start(policyOf({ name: () => (denies ? refusing('deny') : SERVE) }));
    if (isAtHand) await index.page('alpha', client());
    denies = true;
    const before = asked();
    const at = { project: 'alpha', digest: 'a'.repeat(64), filename: OLD };
    expect(await reasonOf(index.page('alpha', client()))).toBe('policy');
    expect(await reasonOf(index.listing('alpha', client()))).toBe('policy');
    expect(await reasonOf(index.file(at, client()))).toBe('policy');
    expect(await reasonOf(index.look('alpha', client()))).toBe('policy');
    expect(await reasonOf(index.known('alpha', client()))).toBe('policy');
    expect(asked()).toBe(before);
  });

  it('that cannot be asked any more is no absence of what is held', async () => {
    let isBroken = false;
    const page = judging(() => {
      if (isBroken) throw new Refusal('state', 'The rules cannot be read.', { subject: 'state' });
      return {};
    });
    const { index } = await start(policyOf({ version: () => String(isBroken), page }));
    expect(await index.known('alpha', client())).toBeUndefined();
    await index.page('alpha', client());
    expect((await index.known('alpha', client()))?.page.project).toBe('alpha');
    isBroken = true;
    expect(await reasonOf(index.known('alpha', client()))).toBe('state');
  });

  it('that hides a file leaves it out of page and versions, so that installers take the older one', async () => {
    const { index, names } = await start(
      policyOf({ page: judging(() => ({ files: new Map([[NEW, refusing('hide')]]) })) }),
    );
    expect(await names()).toEqual([OLD]);
    const page = await index.listing('alpha', client());
    expect(page.listing.versions).toEqual(['1.0']);
    expect([...page.withheld]).toEqual([NEW]);
    expect(page.refusal(NEW)).toMatchObject({ reason: 'policy', message: `${NEW} is not liked.` });
    expect(page.refusal(OLD)).toBeUndefined();
    expect(await reasonOf(index.open(page, NEW, client()))).toBe('policy');
  });

  it('that denies a file leaves it listed, and refuses it by name', async () => {
    const { index, names } = await start(
      policyOf({ page: judging(() => ({ files: new Map([[NEW, refusing('deny')]]) })) }),
    );
    expect(await names()).toEqual([OLD, NEW]);
    expect((await index.listing('alpha', client())).refusal(NEW)?.reason).toBe('policy');
  });

  it('that hides a project lists no file, and refuses every name, listed or not', async () => {
    const { index, names } = await start(policyOf({ page: judging(() => ({ others: refusing('hide') })) }));
    expect(await names()).toEqual([]);
    const page = await index.listing('alpha', client());
    for (const name of [OLD, 'alpha-9.9.tar.gz']) expect(page.refusal(name)?.reason).toBe('policy');
    const at = { project: 'alpha', digest: 'a'.repeat(64), filename: OLD };
    expect(await reasonOf(index.file(at, client()))).toBe('policy');
  });

  it('is asked again when its time has come, and upstream is not', async () => {
    let hidden = true;
    const verdict = () => (hidden ? { files: new Map([[NEW, refusing('hide', NOW + 30)]]) } : {});
    const { names, clock, asked } = await start(policyOf({ page: judging(verdict) }));
    expect(await names()).toEqual([OLD]);
    hidden = false;
    clock.now += 29;
    expect(await names()).toEqual([OLD]);
    clock.now += 1;
    expect(await names()).toEqual([OLD, NEW]);
    expect(asked()).toBe(1);
  });

  it('is asked again at once when its rules have changed', async () => {
    const rules = { version: '1', hidden: false };
    const verdict = () => (rules.hidden ? { files: new Map([[NEW, refusing('hide')]]) } : {});
    const policy = policyOf({ page: judging(verdict), version: () => rules.version });
    const { index, names, asked } = await start(policy);
    expect(await names()).toEqual([OLD, NEW]);
    rules.hidden = true;
    expect(await names()).toEqual([OLD, NEW]);
    rules.version = '2';
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(await names()).toEqual([OLD]);
    expect(asked()).toBe(1);
  });

  it('that denies the bytes of a file is asked after they are proved, and before anybody has them', async () => {
    const page = JSON.parse(String(pageOf([OLD])));
    page.files[0].hashes = { sha256: sha256Hex(BYTES) };
    const seen: string[] = [];
    const policy = policyOf({
      async file(_, { entry }, blob) {
        seen.push(`${entry.filename} ${blob.sha256}`);
        return refusing('deny');
      },
    });
    const { index } = await start(policy, Buffer.from(JSON.stringify(page)));
    const file = await index.file({ project: 'alpha', digest: sha256Hex(BYTES), filename: OLD }, client());
    expect(await reasonOf(file.open())).toBe('policy');
    expect(seen).toEqual([`${OLD} ${sha256Hex(BYTES)}`]);
  });
});
