import { beforeEach, describe, expect, it } from 'vitest';
import { judgeAgain } from '../../../src/app/fleet/follow-fleet.ts';
import { OperatorAnswers } from '../../../src/mirror/policy/answers.ts';
import { namesRule } from '../../../src/policy/names.ts';
import type { Rule } from '../../../src/policy/rule.ts';
import type { RequestAnswer } from '../../../src/ports/policy.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { client, PLAIN } from '../../support/callers.ts';
import { reasonOf } from '../../support/client.ts';
import { createMemoryState } from '../../support/memory-state.ts';
import { openPolicy } from '../../support/policies.ts';
import { answerOf, pageOf, unsignedIndex } from '../../support/unsigned-index.ts';

// What an operator answers is in force from that moment on, in every process that hears of it.

const OLD = 'alpha-1.0.tar.gz';
const NEW = 'alpha-2.0.tar.gz';
const NOW = 1_800_000_000;

let memory: ReturnType<typeof createMemoryState>;
beforeEach(() => {
  memory = createMemoryState();
});

const stateOf = () => createIndexState({ storage: memory.party(), index: 'main' });
const give = (...answers: readonly Partial<RequestAnswer>[]) =>
  stateOf()
    .answers('alpha')
    .change(() => answers.map((each) => ({ action: 'allow', reason: 'ticket 7', at: NOW, ...each })));

const closed: Rule = {
  name: 'closed',
  version: '1',
  page: ({ page }) => ({ files: new Map([...page.files.keys()].filter((name) => name === NEW).map(hidden)) }),
};
function hidden(filename: string) {
  return [filename, { action: 'hide', sentence: (name: string) => `${name} is closed.` }] as const;
}

async function start(rule = closed) {
  const state = stateOf();
  const asked = { count: 0 };
  const index = await unsignedIndex({
    now: () => NOW,
    state,
    policy: await openPolicy(state, { rules: [rule], sources: [await OperatorAnswers.open(state)], now: () => NOW }),
    upstream: {
      async document() {
        asked.count++;
        return answerOf(pageOf([OLD, NEW]));
      },
    },
  });
  const names = async () => [...(await index.listing('alpha', client())).listing.files.keys()];
  const file = (filename: string) => index.file({ project: 'alpha', digest: 'a'.repeat(64), filename }, client());
  return { index, names, file, asked };
}

describe('an answer', () => {
  it('is in force from the moment that it is heard of, though the page is at hand, and nobody upstream is asked', async () => {
    const { index, names, file, asked } = await start();
    expect(await names()).toEqual([OLD]);
    await index.page('alpha', client());
    await give({ version: '2.0' });
    await index.judgeAgain('alpha');
    expect(index.warmPage('alpha', PLAIN)).toBeUndefined();
    expect(await names()).toEqual([OLD, NEW]);
    expect((await file(NEW)).filename).toBe(NEW);
    await give({ version: '2.0', action: 'deny', reason: 'use alpha 1' });
    await index.judgeAgain('alpha');
    expect(await names()).toEqual([OLD]);
    expect(await file(NEW).catch((error: unknown) => error)).toMatchObject({
      reason: 'policy',
      message: `${NEW} is closed. An operator was asked, and keeps it so: use alpha 1.`,
      ruled: { rule: 'closed', project: 'alpha', file: NEW },
    });
    expect(asked.count).toBe(1);
  });

  it('is in force where another process has told of it', async () => {
    const { index, names } = await start();
    await give({});
    await judgeAgain(index, [['main', 'answers', 'beta']]);
    expect(await names()).toEqual([OLD]);
    await judgeAgain(index, [['main', 'answers', 'alpha']]);
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('is remembered by the next start', async () => {
    await give({});
    expect(await (await start()).names()).toEqual([OLD, NEW]);
  });

  it('lets a project pass that is refused by its name, before anybody is asked for it', async () => {
    const { index, names, asked } = await start(namesRule({ allow: ['beta'], deny: [], action: 'deny' }));
    expect(await names().catch((error: unknown) => error)).toMatchObject({
      ruled: { rule: 'names', project: 'alpha', file: undefined },
    });
    // Of a version alone the project cannot be had.
    await give({ version: '2.0' });
    await index.judgeAgain('alpha');
    expect(await reasonOf(names())).toBe('policy');
    expect(asked.count).toBe(0);
    await give({ rule: 'names' });
    await index.judgeAgain('alpha');
    expect(await names()).toEqual([OLD, NEW]);
  });

  it('is of one project: others have the version that they had', async () => {
    await give({});
    const answers = await OperatorAnswers.open(stateOf());
    expect([answers.version('beta'), answers.of('beta')]).toEqual(['', undefined]);
    const before = answers.version('alpha');
    await give({ reason: 'ticket 8' });
    await answers.follow('alpha');
    expect(answers.version('alpha')).not.toBe(before);
    await give();
    await answers.follow('alpha');
    expect(answers.version('alpha')).toBe('');
  });

  it('that cannot be believed is refused', async () => {
    await give({});
    memory.damage(['main', 'answers', 'alpha']);
    expect(await reasonOf(OperatorAnswers.open(stateOf()))).toBe('state');
  });
});
