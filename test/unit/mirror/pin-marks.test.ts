import { expect, it } from 'vitest';
import { PinMarks } from '../../../src/mirror/projects/pin-marks.ts';
import type { Pin } from '../../../src/ports/index-state.ts';

it('whoever reads pins waits for marks that somebody else began to write', async () => {
  const written = Promise.withResolvers<ReadonlyMap<string, Pin>>();
  const begun: string[] = [];
  const marks = new PinMarks({
    pins: {
      mark(project) {
        begun.push(project);
        return written.promise;
      },
    },
    reports: { noted: () => undefined },
  });
  const mark = { file: 'alpha-1.0.tar.gz', digests: undefined, confirms: () => true };
  const told = marks.tell('alpha', 'alpha-1.0.tar.gz', mark);
  marks.hurry();
  await expect.poll(() => begun).toEqual(['alpha']);
  let isRead = false;
  const read = marks.write('alpha').then(() => {
    isRead = true;
  });
  // Of another project there is nothing to wait for.
  await marks.write('beta');
  expect(isRead).toBe(false);
  written.resolve(new Map());
  await Promise.all([read, told]);
  expect(begun).toEqual(['alpha']);
});
