import { describe, expect, it } from 'vitest';
import { type Reason, Refusal } from '../../../src/bytes/refusal.ts';
import { judgeByName } from '../../../src/mirror/files/judge.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import { client } from '../../support/callers.ts';
import { reasonOf } from '../../support/client.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

// A file that is asked for by another way than its page is judged by that page.

const refused = (reason: Reason, transient = false) => new Refusal(reason, 'a refusal of this test', { transient });
const WHEEL = 'alpha-1.0-py3-none-any.whl';

async function judging(
  answers: Readonly<Record<string, Refusal | readonly string[]>>,
  denied: readonly string[] = [],
  { learnt, once = [] }: { readonly learnt?: string; readonly once?: readonly string[] } = {},
) {
  const index = await unsignedIndex({
    now: () => 1_800_000_000,
    upstream: {
      document: async () =>
        answerOf(pageOf(Object.values(answers).flatMap((each) => (each instanceof Refusal ? [] : each)))),
    },
  });
  let stoodIn = 0;
  const judge = judgeByName({
    pages: {
      async get(project) {
        const answer = answers[project] ?? refused('unlisted');
        if (answer instanceof Refusal) throw answer;
        return index.listing('alpha', client());
      },
    },
    policy: {
      file: async (_, { entry }) =>
        entry.filename === learnt
          ? { action: 'deny', rule: 'of this test', sentence: () => 'no', refusal: () => refused('policy') }
          : { action: 'serve' },
      unlisted: (project) =>
        denied.includes(project)
          ? { action: 'hide', rule: 'of this test', sentence: () => 'no', refusal: () => refused('policy') }
          : { action: 'serve' },
    },
    onceListed: {
      of: async () => ({
        pins: new Map(),
        verdictOn: (filename) =>
          once.includes(filename)
            ? { action: 'hide', rule: 'of this test', sentence: () => 'no', refusal: () => refused('policy') }
            : undefined,
      }),
    },
    reports: { stoodIn: () => void stoodIn++ },
  });
  const judged = (filename: string) =>
    reasonOf(judge(filename, client()).then(() => Promise.reject(new Error('served'))));
  return {
    judged: async (filename: string) =>
      judge(filename, client()).then(
        () => 'served',
        () => judged(filename),
      ),
    stoodIn: () => stoodIn,
    judge,
  };
}

const BLOB = makeBlob('a'.repeat(64), 1, { send: async () => undefined, bytes: async () => new Uint8Array(1) });

describe('a file by its name alone', () => {
  it('is served by a page that lists it, and refused by the word of an operator', async () => {
    expect(await (await judging({ alpha: [WHEEL] })).judged(WHEEL)).toBe('served');
    const { judged } = await judging({ alpha: [WHEEL] }, ['alpha']);
    expect(await judged(WHEEL)).toBe('policy');
    expect(await judged(`${WHEEL}.metadata`)).toBe('policy');
    expect(await judged('root.json')).toBe('served');
  });

  it('is served where its page cannot be had at this moment, which is told, and never against the word of an operator', async () => {
    for (const error of [refused('unreachable', true), refused('offline')]) {
      const { judged, stoodIn } = await judging({ alpha: error });
      expect([await judged(WHEEL), stoodIn()]).toEqual(['served', 1]);
      expect(await (await judging({ alpha: error }, ['alpha'])).judged(WHEEL)).toBe('policy');
    }
  });

  it('is refused where its bytes, once they are there, tell what its page did not', async () => {
    const { judge } = await judging({ alpha: [WHEEL] }, [], { learnt: WHEEL });
    await expect(judge(WHEEL, client())).resolves.toBeUndefined();
    await expect(judge(WHEEL, client(), BLOB)).rejects.toMatchObject({ reason: 'policy' });
    // Its core metadata is no such file.
    await expect(judge(`${WHEEL}.metadata`, client(), BLOB)).resolves.toBeUndefined();
  });

  it('is refused where its page listed it once, and would hold it back if it still did', async () => {
    const other = 'alpha-2.0-py3-none-any.whl';
    for (const alpha of [[WHEEL], refused('unlisted'), refused('unreachable', true)]) {
      const { judged } = await judging({ alpha }, [], { once: [other] });
      expect([await judged(other), await judged(`${other}.metadata`)]).toEqual(['policy', 'policy']);
      expect(await judged('alpha-3.0-py3-none-any.whl')).toBe('served');
    }
  });

  it('is refused where its page is not what was promised', async () => {
    expect(await (await judging({ alpha: refused('digest') })).judged(WHEEL)).toBe('digest');
  });

  it('that could be of two projects is judged by the one whose page lists it, or else by the likelier', async () => {
    const sdist = 'alpha-beta-1.0.tar.gz';
    expect(await (await judging({ 'alpha-beta': [sdist] }, ['alpha'])).judged(sdist)).toBe('served');
    expect(await (await judging({}, ['alpha'])).judged(sdist)).toBe('served');
    expect(await (await judging({}, ['alpha-beta'])).judged(sdist)).toBe('policy');
    expect(await (await judging({ alpha: [sdist] }, ['alpha'])).judged(sdist)).toBe('policy');
  });
});
