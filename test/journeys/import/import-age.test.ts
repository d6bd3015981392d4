import { expect, it, onTestFinished } from 'vitest';
import { NO_POLICY } from '../../../src/config/policy/settings.ts';
import { filePath } from '../../../src/repository/index-pages.ts';
import { startImportRig } from '../../rigs/import-rig.ts';
import { NOW } from '../../rigs/mirror.ts';
import { DAY } from '../../support/clock.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// A bundle says when files were uploaded outside; what is too young waits inside as well.

const time = (days: number) => new Date((NOW - days * DAY) * 1000).toISOString();
const OLD = { ...tinyWheel('alpha'), uploadTime: time(90) };
const YOUNG = { ...tinyWheel('alpha', '2.0'), uploadTime: time(11) };

it('an index that bundles bring holds back what is too young, on its page and at its address, until its time has come', async () => {
  const minimumAge = { files: 30 * DAY, projects: 0, since: undefined, action: 'hide', fixes: 'wait' } as const;
  const rig = await startImportRig({ index: { policy: { ...NO_POLICY, minimumAge } } });
  onTestFinished(() => rig.close());
  rig.sender.put('alpha', OLD, YOUNG);
  await rig.take([(await rig.sender.bundle()).whole]);
  const addresses = async () =>
    (await rig.page('alpha')).files.map(({ url }) => new URL(url, 'http://host/simple/alpha/').pathname);
  expect(await rig.names('alpha')).toEqual([OLD.filename]);
  const [old = ''] = await addresses();
  const young = `/${filePath(YOUNG)}`;
  for (const path of [young, `${young}.metadata`]) expect(await rig.refused(path), path).toBe('403 policy');
  await rig.restart();
  expect(await rig.refused(young)).toBe('403 policy');
  expect((await rig.get(old)).body.equals(OLD.bytes)).toBe(true);
  rig.clock.advance(18 * DAY);
  expect(await rig.refused(young)).toBe('403 policy');
  rig.clock.advance(DAY);
  expect(await rig.names('alpha')).toEqual([OLD.filename, YOUNG.filename]);
  expect(await addresses()).toEqual([old, young]);
  expect((await rig.get(young)).body.equals(YOUNG.bytes)).toBe(true);
});
