import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dayOrInstant } from '../../../src/cli/arguments.ts';
import { createProgram } from '../../../src/cli/program.ts';
import { requests } from '../../../src/cli/requests/requests.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { REQUESTS_OF_ONE } from '../../../src/disk/limits.ts';
import { type RefusedRequest, RequestsRecord } from '../../../src/disk/records/requests-record.ts';
import type { RequestAnswer } from '../../../src/ports/policy.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { reasonOf } from '../../support/client.ts';
import { withState } from '../../support/state.ts';

// What was asked for and refused, as a queue.

const NOW = Math.floor(Date.now() / 1000);
const WHEEL = 'alpha-2.0-py3-none-any.whl';
const SDIST = 'alpha-2.0.0.tar.gz';
const CLIENT = '192.0.2.1';

let scratch: string;
let said: string[];
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'verbatim-requests-'));
  said = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(scratch, { recursive: true });
});

const asked = (file: string | undefined, over: Partial<RefusedRequest> = {}): RefusedRequest => ({
  at: NOW - 60,
  client: CLIENT,
  index: 'main',
  project: 'alpha',
  file,
  rule: 'minimum age',
  sentence: `${file} is too young.`,
  until: NOW + 3600,
  ...over,
});

async function noted(all: readonly RefusedRequest[], answers: readonly RequestAnswer[] = [], folder = 'data') {
  await withState(join(scratch, folder), async (_, { databases }) => {
    const record = new RequestsRecord(databases.records);
    for (const each of all) record.note(each);
    await record.close();
    await databases.open('main');
    if (answers.length > 0)
      await createIndexState({ storage: databases.state, index: 'main' })
        .answers('alpha')
        .change(() => answers);
  });
}

const configOf = () =>
  loadConfig({ env: {}, flags: { upstream: 'https://index.example/simple/', data: join(scratch, 'data') } });
const list = async (over: { all?: boolean; index?: string; records?: readonly string[] } = {}) => {
  said = [];
  await requests(configOf(), { index: undefined, all: false, records: [], json: true, ...over });
  return JSON.parse(said.join(''));
};
const answer = (over: Partial<RequestAnswer>): RequestAnswer => ({
  action: 'allow',
  rule: 'minimum age',
  reason: 'ticket 7',
  at: NOW,
  ...over,
});

describe('the queue of what was refused', () => {
  it('tells files of a version as one, with how often and by how many, what most ask for first', async () => {
    await noted([
      asked('beta-1.0.tar.gz', { project: 'beta', at: NOW - 5 }),
      asked(WHEEL),
      asked(SDIST, { client: '192.0.2.2', at: NOW - 30 }),
      asked(undefined, { rule: 'names', until: undefined, at: NOW - 90 }),
    ]);
    const { requests: found, unnamed } = await list();
    expect(unnamed).toBe(0);
    expect(found).toMatchObject([
      { project: 'alpha', files: [WHEEL, SDIST], count: 2, clients: 2, first: NOW - 60, last: NOW - 30, state: 'open' },
      { project: 'beta', version: '1.0', clients: 1 },
      { project: 'alpha', files: [], rule: 'names' },
    ]);
    said = [];
    await requests(configOf(), { index: 'main', all: false, records: [], json: false });
    const text = said.join('');
    expect(text).toContain('main alpha==2.0.0  [minimum age]  2 times by 2 clients, ');
    expect(text).toContain('passes by itself from ');
    expect(text).toContain('3 open.\nTo answer: verbatim requests --allow');
  });

  it('leaves out what is answered, or what time has let pass, and tells of it where it is asked', async () => {
    await noted(
      [
        asked(WHEEL),
        asked('alpha-1.0.tar.gz'),
        asked('alpha-3.0.tar.gz', { until: NOW - 10 }),
        asked('alpha-4.0.tar.gz'),
        asked('alpha-5.0.tar.gz'),
      ],
      [
        answer({ version: '2' }),
        answer({ version: '1.0', action: 'deny', reason: 'no' }),
        answer({ version: '4.0', until: NOW - 1 }),
        answer({ version: '5.0', rule: 'names' }),
      ],
    );
    expect((await list()).requests.map(({ version }: { version: string }) => version).toSorted()).toEqual([
      '4.0',
      '5.0',
    ]);
    const all = (await list({ all: true })).requests.map(
      ({ version, state, answer: given }: { version: string; state: string; answer?: RequestAnswer }) => [
        version,
        state,
        given?.reason,
      ],
    );
    expect(all.toSorted()).toEqual([
      ['1.0', 'denied', 'no'],
      ['2.0', 'allowed', 'ticket 7'],
      ['3.0', 'over', undefined],
      ['4.0', 'open', undefined],
      ['5.0', 'open', undefined],
    ]);
    said = [];
    await requests(configOf(), { index: undefined, all: true, records: [], json: false });
    expect(said.join('')).toContain(`denied, `);
  });

  it('tells files of a version apart that are answered otherwise', async () => {
    await noted([asked(WHEEL), asked(SDIST)], [answer({ file: SDIST })]);
    expect((await list()).requests).toMatchObject([{ files: [WHEEL] }]);
  });

  it('is of one index where that is asked, of configured ones, and of replicas as well', async () => {
    await noted([asked(WHEEL), asked(WHEEL, { index: 'gone' })]);
    await noted([asked(WHEEL, { client: '192.0.2.9' })], [], 'replica');
    expect((await list({ records: [join(scratch, 'replica')] })).requests).toMatchObject([{ count: 2, clients: 2 }]);
    expect((await list({ index: 'main' })).requests).toHaveLength(1);
    expect(await reasonOf(list({ index: 'gone' }))).toBe('unlisted');
  });

  it('tells how often more was asked by clients that ask for everything', async () => {
    await noted(Array.from({ length: REQUESTS_OF_ONE + 5 }, (_, at) => asked(undefined, { project: `p${at}` })));
    expect((await list()).unnamed).toBe(5);
    said = [];
    await requests(configOf(), { index: undefined, all: false, records: [], json: false });
    expect(said.join('')).toContain('5 more requests are of clients that asked for very many things');
  });

  it('is empty where nothing was refused', async () => {
    await noted([]);
    expect(await list()).toEqual({ requests: [], unnamed: 0 });
  });
});

describe('the command line', () => {
  const run = (...args: readonly string[]) =>
    createProgram(() => undefined).parseAsync(['requests', '--data', join(scratch, 'data'), ...args], { from: 'user' });

  it('takes a day for the end of an exception, and refuses what is no time', async () => {
    expect([dayOrInstant('2026-12-24'), dayOrInstant('2026-12-24T12:00:00Z')]).toEqual([1_798_070_400, 1_798_113_600]);
    expect(() => dayOrInstant('2026-02-30')).toThrow('Not a time');
  });

  it.each([
    ['an answer that is neither', ['main', 'alpha', '--rule', 'names', '--reason', 'x']],
    ['an answer without a rule', ['--allow', 'main', 'alpha', '--reason', 'x']],
    ['an answer without a reason', ['--allow', 'main', 'alpha', '--rule', 'names']],
    ['an answer without a project', ['--deny', 'main', '--rule', 'names', '--reason', 'x']],
    ['an answer with --all', ['--deny', 'main', 'alpha', '--rule', 'names', '--reason', 'x', '--all']],
    ['an answer with --index', ['--deny', 'main', 'alpha', '--rule', 'names', '--reason', 'x', '--index', 'main']],
    ['an answer with --records', ['--deny', 'main', 'alpha', '--rule', 'names', '--reason', 'x', '--records', 'd']],
  ])('takes no %s', async (_, args) => {
    await expect(run(...args)).rejects.toThrow(/Say --allow or --deny|An answer takes|are of the list/);
  });
});
