import { beforeEach, describe, expect, it } from 'vitest';
import { AnswerRequest } from '../../../src/app/control/requests.ts';
import { answerIn, MOST_ANSWERS } from '../../../src/app/operator/answer.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { JournalEntry } from '../../../src/ports/records.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { reasonOf } from '../../support/client.ts';
import { createMemoryState } from '../../support/memory-state.ts';

// What an operator's answer comes to in the state of an index.

const NOW = 1_800_000_000;
const REQUEST: AnswerRequest = {
  index: 'main',
  name: 'Alpha',
  action: 'allow',
  rule: 'minimum age',
  reason: 'ticket 7',
  dryRun: false,
};

let memory: ReturnType<typeof createMemoryState>;
let noted: JournalEntry[];
beforeEach(async () => {
  memory = createMemoryState();
  noted = [];
  await stateOf().facts.change(() => ({ evidence: 'index', createdAt: NOW, audit: [] }));
});

const stateOf = () => createIndexState({ storage: memory.party(), index: 'main' });
const loaded = loadConfig({ env: {}, flags: { upstream: 'https://index.example/simple/', data: 'd' } });
const { main } = loaded.indexes;
if (main === undefined) throw new Error('no index');
const policy = {
  minimumAge: { files: 600, projects: 0, since: undefined, action: 'hide', fixes: 'wait' },
  missingUploadTime: 'omit',
  projects: [],
  names: { allow: undefined, deny: ['secret'], action: 'deny' },
  conditions: [],
  exceptions: [],
} as const;
const config = { ...loaded, indexes: { main: { ...main, policy } } };
const give = (over: Partial<AnswerRequest> = {}) =>
  answerIn(
    {
      config,
      state: async () => stateOf(),
      journal: { note: (entry) => void noted.push(entry), flush: async () => undefined },
      now: () => NOW,
    },
    { ...REQUEST, ...over },
  );
const answers = async () => (await stateOf().answers('alpha').read())?.value;

describe('an answer to what was refused', () => {
  it('is kept beside others, takes the place of one to the same, and is in the audit trail and the journal', async () => {
    await give();
    expect(await give({ version: '2.0', until: NOW + 60 })).toMatchObject({ project: 'alpha', was: undefined });
    expect(await give({ version: 'v2', action: 'deny', reason: 'no' })).toMatchObject({ was: { reason: 'ticket 7' } });
    expect(await answers()).toEqual([
      { action: 'allow', rule: 'minimum age', reason: 'ticket 7', at: NOW },
      { action: 'deny', version: 'v2', rule: 'minimum age', reason: 'no', at: NOW },
    ]);
    const { audit } = (await stateOf().facts.read())?.value ?? { audit: [] };
    expect(audit.map(({ action, reason }) => `${action}: ${reason}`)).toEqual([
      'requests --allow alpha, rule minimum age: ticket 7',
      'requests --allow alpha==2.0, rule minimum age, until 2027-01-15T08:01:00Z: ticket 7',
      'requests --deny alpha==v2, rule minimum age: no',
    ]);
    expect(noted.map(({ kind, after }) => `${kind}: ${after}`)).toEqual([
      "accepted: passes minimum age by an operator's word",
      "accepted: passes minimum age by an operator's word until 2027-01-15T08:01:00Z",
    ]);
  });

  it('names the files that were seen here and that it is about', async () => {
    const pin = { digests: new Map([['sha256', 'a'.repeat(64)] as const]), seen: NOW };
    await stateOf()
      .pins('alpha')
      .change(() => new Map([['alpha-1.0.tar.gz', pin] as const, ['alpha-2.0.tar.gz', pin] as const]));
    expect(await give({ version: '2.0' })).toMatchObject({ files: ['alpha-2.0.tar.gz'] });
    expect(await give({ file: 'alpha-1.0.tar.gz' })).toMatchObject({ files: ['alpha-1.0.tar.gz'] });
  });

  it('that is over makes room for the next', async () => {
    const old = { action: 'allow', rule: 'minimum age', reason: 'old', at: 1 } as const;
    await stateOf()
      .answers('alpha')
      .change(() => [{ ...old, version: '1.0', until: NOW }]);
    await give({ version: '2.0' });
    expect((await answers())?.map(({ version }) => version)).toEqual(['2.0']);
    await stateOf()
      .answers('alpha')
      .change(() => Array.from({ length: MOST_ANSWERS }, (_, at) => ({ ...old, version: `${at}` })));
    expect(await reasonOf(give({ version: '2.0.1' }))).toBe('limit');
    // One that is there already can be given otherwise.
    expect(await give({ version: '7', action: 'deny' })).toMatchObject({ was: { reason: 'old' } });
  });

  it('changes nothing where it is only to be said', async () => {
    expect(await give({ dryRun: true })).toMatchObject({ answers: [{ reason: 'ticket 7' }] });
    expect([await answers(), noted]).toEqual([undefined, []]);
  });

  it.each([
    ['it is no version', { version: 'one' }, 'format'],
    ['it is no name', { name: 'al pha' }, 'format'],
    ['the file is of another project', { file: 'beta-1.0.tar.gz' }, 'format'],
    ['both a version and a file are named', { version: '1.0', file: 'alpha-1.0.tar.gz' }, 'format'],
    ['its end is over', { until: NOW }, 'format'],
    ['what stays refused is given an end', { action: 'deny', until: NOW + 60 }, 'format'],
    ['there is no such rule', { rule: 'maximum age' }, 'format'],
    ['the rule lets no exception pass', { rule: 'quarantined here' }, 'format'],
    [
      'the rule refuses the whole project, and only a version is named',
      { name: 'secret', rule: 'names', version: '1' },
      'format',
    ],
    ['there is no such index', { index: 'other' }, 'unlisted'],
  ] as const)('is refused where %s', async (_, over, reason) => {
    expect(await reasonOf(give(over))).toBe(reason);
    expect([await answers(), noted]).toEqual([undefined, []]);
  });

  it('is given for a project that a rule refuses by its name', async () => {
    expect(await give({ name: 'secret', rule: 'names' })).toMatchObject({ project: 'secret' });
    // Another project of the same rule is not refused by its name: a version of it may be answered.
    expect(await give({ rule: 'names', version: '1.0' })).toMatchObject({ project: 'alpha' });
  });

  it.each([
    ['a reason that is empty', { reason: '' }],
    ['a reason that is longer than anybody reads', { reason: 'x'.repeat(1001) }],
    ['a version that is longer than any', { version: '1'.repeat(201) }],
    ['no rule', { rule: '' }],
    ['a rule that is longer than any', { rule: 'x'.repeat(101) }],
  ])('is not asked of a server with %s', (_, over) => {
    expect(AnswerRequest.safeParse({ ...REQUEST, ...over }).success).toBe(false);
    expect(AnswerRequest.safeParse(REQUEST).success).toBe(true);
  });

  it('is proved with the rest of the state: what does not hold is named', async () => {
    await give();
    memory.damage(['main', 'answers', 'alpha']);
    expect(await verifyState(stateOf())).toMatchObject({ wrong: [{ item: 'answers/alpha' }] });
  });
});
