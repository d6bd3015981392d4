import { describe, expect, it } from 'vitest';
import { recordRefused } from '../../../src/app/running/record-refused.ts';
import { Refusal, type RuledOut } from '../../../src/bytes/refusal.ts';
import type { RefusedRequest as Noted } from '../../../src/disk/records/requests-record.ts';
import type { RefusedRequest } from '../../../src/http/exchange.ts';
import { ask } from '../../support/ask.ts';
import { serve } from './serving.ts';

// What a rule refuses is noted with who asked for it, behind the answer.

const RULED: RuledOut = { rule: 'minimum age', project: 'foo-bar', file: undefined, until: 1_900_000_000 };
const SENTENCE = 'foo-bar is too young.';

async function refused(refusal: Error) {
  const noted: RefusedRequest[] = [];
  const serving = await serve({ listener: { onRefused: (each) => noted.push(each) } });
  serving.still.refusal = refusal;
  try {
    const { status } = await ask(serving.url, '/simple/foo-bar/');
    return { status, noted, faults: serving.faults };
  } finally {
    await serving.close();
  }
}

describe('a request that a rule refuses', () => {
  it('is noted with the rule, the sentence and the address that it came from', async () => {
    const { status, noted } = await refused(new Refusal('policy', SENTENCE, { subject: 'page', ruled: RULED }));
    expect(status).toBe(403);
    expect(noted).toEqual([{ ...RULED, index: 'main', sentence: SENTENCE, client: '127.0.0.1', reader: undefined }]);
  });

  it.each([
    ['refused for another reason', new Refusal('unlisted', 'There is no such project.', { subject: 'page' })],
    ['refused by no rule', new Refusal('policy', 'It was removed.', { subject: 'page' })],
  ])('is not noted where it is %s', async (_, refusal) => {
    expect(await refused(refusal)).toMatchObject({ noted: [], faults: [] });
  });

  it('and is not noted where it met a fault', async () => {
    const fault = new Error('a defect');
    expect(await refused(fault)).toMatchObject({ status: 500, noted: [], faults: [fault] });
  });
});

describe('who was refused', () => {
  const note = (truncated: boolean, names: boolean, from: Pick<RefusedRequest, 'client' | 'reader'>) => {
    const noted: Noted[] = [];
    const config = {
      cache: { accessAddresses: truncated ? ('truncated' as const) : ('whole' as const) },
      server: { auth: { recordNames: names } },
    };
    const composition = {
      clock: { now: () => 7 },
      requests: { note: (each: Noted) => void noted.push(each) },
    };
    recordRefused({ config, composition }, { ...RULED, index: 'main', sentence: SENTENCE, ...from });
    return noted;
  };

  it.each([
    ['an address', false, true, { client: '192.0.2.7' }, '192.0.2.7'],
    ['the network that one machine may have', false, true, { client: '2001:db8:1:2:3::4' }, '2001:db8:1:2::/64'],
    ['the site, where no more may be written down', true, true, { client: '192.0.2.7' }, '192.0.2.0/24'],
    ['the user', false, true, { client: '192.0.2.7', reader: 'user ada' }, 'user ada'],
    [
      'the address, where no names may be written down',
      false,
      false,
      { client: '192.0.2.7', reader: 'user ada' },
      '192.0.2.7',
    ],
  ])('is %s', (_, truncated, names, from, client) => {
    expect(note(truncated, names, from)).toEqual([{ ...RULED, at: 7, index: 'main', sentence: SENTENCE, client }]);
  });
});
