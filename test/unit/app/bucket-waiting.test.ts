import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { BESIDE, waitingOf } from '../../../src/app/bucket/waiting.ts';
import { openVolume } from '../../../src/disk/volume.ts';
import { scratch } from '../../support/volume-harness.ts';

const read = async (record: ReturnType<typeof waitingOf>) => Buffer.from((await record.read()) ?? []).toString();

it('each process has what it has to upload to itself, and the first takes over what nobody else has any more', async () => {
  const volume = await openVolume(join(await scratch(), 'data'));
  onTestFinished(() => volume.close());
  const of = (number: number, workers: number) => waitingOf(volume, { number, workers });
  for (const number of [1, 2, 3]) await of(number, 3).write(Buffer.from(`${number}\n`));
  await waitingOf(volume, BESIDE).write(Buffer.from('beside\n'));
  expect(await read(of(2, 3))).toBe('2\n');
  const first = of(1, 2);
  expect(await read(first)).toBe('1\nbeside\n3\n');
  // Nothing is given up before it is its own.
  expect(await read(of(3, 3))).toBe('3\n');
  await first.write(Buffer.from('1\nbeside\n3\n'));
  expect(await read(of(3, 3))).toBe('');
  expect(await read(of(2, 2))).toBe('2\n');
  expect(await read(of(1, 2))).toBe('1\nbeside\n3\n');
});
