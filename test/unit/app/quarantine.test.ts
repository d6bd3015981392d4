import { beforeEach, describe, expect, it } from 'vitest';
import { QuarantineRequest } from '../../../src/app/control/requests.ts';
import { quarantineIn } from '../../../src/app/operator/quarantine.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { JournalEntry } from '../../../src/ports/records.ts';
import { verifyState } from '../../../src/state/admin/verify-state.ts';
import { createIndexState } from '../../../src/state/index-state.ts';
import { reasonOf } from '../../support/client.ts';
import { createMemoryState } from '../../support/memory-state.ts';

// What an operator's word comes to in the state of an index.

const NOW = 1_800_000_000;
const REQUEST = { index: 'main', name: 'Alpha', lift: false, reason: 'ticket 7', dryRun: false };

let memory: ReturnType<typeof createMemoryState>;
let noted: JournalEntry[];
beforeEach(async () => {
  memory = createMemoryState();
  noted = [];
  await stateOf().facts.change(() => ({ evidence: 'index', createdAt: NOW, audit: [] }));
});

const stateOf = () => createIndexState({ storage: memory.party(), index: 'main' });
const config = loadConfig({ env: {}, flags: { upstream: 'https://index.example/simple/', data: 'd' } });
const put = (over: Partial<QuarantineRequest> = {}) =>
  quarantineIn(
    {
      config,
      state: async () => stateOf(),
      journal: { note: (entry) => void noted.push(entry), flush: async () => undefined },
      now: () => NOW,
    },
    { ...REQUEST, ...over },
  );
const entries = async () => (await stateOf().quarantine('alpha').read())?.value;

describe('putting something in quarantine', () => {
  it('keeps what is there, replaces another spelling of the same version, and is in the audit trail and the journal', async () => {
    await put();
    expect(await put({ version: '1.0', reason: 'ticket 8' })).toMatchObject({ project: 'alpha', was: undefined });
    expect(await put({ version: 'v1', reason: 'ticket 9' })).toMatchObject({ was: 'ticket 8' });
    expect(await entries()).toEqual([
      { reason: 'ticket 7', at: NOW },
      { version: 'v1', reason: 'ticket 9', at: NOW },
    ]);
    const { audit } = (await stateOf().facts.read())?.value ?? { audit: [] };
    expect(audit.map(({ action }) => action)).toEqual([
      'quarantine alpha',
      'quarantine alpha==1.0',
      'quarantine alpha==v1',
    ]);
    expect(noted.map(({ kind, project }) => `${kind} ${project}`)).toEqual(Array(3).fill('quarantined alpha'));
    await put({ lift: true, reason: 'false alarm' });
    expect(await entries()).toEqual([{ version: 'v1', reason: 'ticket 9', at: NOW }]);
  });

  it('changes nothing where it is only to be said', async () => {
    expect(await put({ dryRun: true })).toMatchObject({ entries: [{ reason: 'ticket 7' }] });
    expect([await entries(), noted]).toEqual([undefined, []]);
  });

  it.each([
    ['what is not there is lifted', { lift: true }, 'unlisted'],
    ['a version that is not there is lifted', { lift: true, version: '1.0' }, 'unlisted'],
    ['it is no version', { version: 'one' }, 'format'],
    ['it is no name', { name: 'al pha' }, 'format'],
    ['there is no such index', { index: 'other' }, 'unlisted'],
  ])('is refused where %s', async (_, over, reason) => {
    expect(await reasonOf(put(over))).toBe(reason);
    expect([await entries(), noted]).toEqual([undefined, []]);
  });

  it.each([
    ['a reason that is empty', { reason: '' }],
    ['a reason that is longer than anybody reads', { reason: 'x'.repeat(1001) }],
    ['a version that is longer than any', { version: '1'.repeat(201) }],
  ])('is not asked of a server with %s', (_, over) => {
    expect(QuarantineRequest.safeParse({ ...REQUEST, ...over }).success).toBe(false);
    expect(QuarantineRequest.safeParse(REQUEST).success).toBe(true);
  });

  it('is proved with the rest of the state: what does not hold is named', async () => {
    await put();
    memory.damage(['main', 'quarantine', 'alpha']);
    expect(await verifyState(stateOf())).toMatchObject({ wrong: [{ item: 'quarantine/alpha' }] });
  });

  it('and so is that upstream had it in quarantine once', async () => {
    await stateOf()
      .seenQuarantine('alpha')
      .change(() => NOW);
    expect(await verifyState(stateOf())).toMatchObject({ items: 1, wrong: [] });
    memory.damage(['main', 'seen-quarantines', 'alpha']);
    expect(await verifyState(stateOf())).toMatchObject({ wrong: [{ item: 'seen-quarantines/alpha' }] });
  });
});
