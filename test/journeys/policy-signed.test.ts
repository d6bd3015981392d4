import { afterEach, describe, expect, it } from 'vitest';
import { NO_POLICY } from '../../src/config/policy/settings.ts';
import type { ConditionSettings, PolicySettings } from '../../src/policy/settings.ts';
import { NOW } from '../rigs/mirror.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { DAY } from '../support/clock.ts';
import { type TinyWheel, tinyWheel, zip } from '../support/tiny-wheel.ts';

// Signatures say whose a file is, and not that it is old enough or harmless: a signed index has its policy on every way to a file.

let rig: SignedRig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
});

const time = (days: number) => new Date((NOW - days * DAY) * 1000).toISOString();
const OLD = { ...tinyWheel('alpha'), uploadTime: time(90) };
const YOUNG = { ...tinyWheel('alpha', '2.0'), uploadTime: time(1) };

async function start(policy: Partial<PolicySettings>, files: readonly TinyWheel[] = [OLD, YOUNG]): Promise<SignedRig> {
  rig = await startSignedRig({
    fill: (signed) => signed.upload('alpha', ...files),
    index: { policy: { ...NO_POLICY, ...policy } },
  });
  return rig;
}

const ways = (from: SignedRig, file: TinyWheel) => [from.path(file), `/tuf/targets${from.storedFile(file)}`];

describe('a signed index', () => {
  it('holds back what is too young: its page, the address of the file and the target of it', async () => {
    const minimumAge = { files: 7 * DAY, projects: 0, since: undefined, action: 'hide', fixes: 'wait' } as const;
    const signed = await start({ minimumAge });
    expect(await signed.names('alpha')).toEqual([OLD.filename]);
    for (const way of ways(signed, YOUNG)) {
      expect([way, await signed.refused(way)]).toEqual([way, '403 policy']);
      expect((await signed.get(way, { method: 'HEAD' })).status).toBe(403);
      expect((await signed.get(way, { headers: { range: 'bytes=0-3' } })).status).toBe(403);
    }
    for (const way of ways(signed, OLD)) expect((await signed.get(way)).status).toBe(200);
  });

  it('has what lies in a file looked into on the way of its targets, too', async () => {
    const condition: ConditionSettings = { name: 'new-pth', when: 'new-pth', action: 'deny', unjudged: 'report' };
    const bad: TinyWheel = {
      ...YOUNG,
      bytes: zip([
        ['evil.pth', Buffer.from('import os\n')],
        ['alpha-2.0.dist-info/METADATA', YOUNG.coreMetadata],
        ['alpha-2.0.dist-info/RECORD', Buffer.from('')],
      ]),
    };
    const signed = await start({ conditions: [condition] }, [OLD, bad]);
    await signed.page('alpha');
    const [own = '', target = ''] = ways(signed, bad);
    expect(await signed.refused(target)).toBe('403 policy');
    expect(await signed.refused(own)).toBe('403 policy');
    for (const way of ways(signed, OLD)) expect((await signed.get(way)).status).toBe(200);
  });
});
