import { expect, it } from 'vitest';
import { MAX_DEPENDENCIES, MAX_METADATA_HEAD } from '../../../../src/pypi/limits.ts';
import { dependenciesOf } from '../../../../src/pypi/resolving/dependencies.ts';

const metadata = (...lines: readonly string[]) => Buffer.from(`Metadata-Version: 2.4\n${lines.join('\n')}\n`);
const refused = (words: string) =>
  expect.objectContaining({ reason: 'limit', subject: 'core-metadata', message: expect.stringContaining(words) });

it('what a file needs is read, and what cannot be read is told apart', () => {
  const read = dependenciesOf(
    metadata('Requires-Dist: B[x]\n >=1', 'Requires-Dist: ?', 'Provides-Extra: Y_1', 'Requires-Python: >=3.9'),
  );
  expect(read.requires.map(({ project }) => project)).toEqual(['b']);
  expect(read.unreadable).toEqual(['?']);
  expect([...read.extras]).toEqual(['y-1']);
  expect(read.requiresPython?.contains('3.8')).toBe(false);
});

it('no more is read than there may be, and no part of it taken for the whole', () => {
  const lines = (count: number) => metadata(...Array.from({ length: count }, (_, at) => `Requires-Dist: p${at}`));
  expect(dependenciesOf(lines(MAX_DEPENDENCIES)).requires).toHaveLength(MAX_DEPENDENCIES);
  expect(() => dependenciesOf(lines(MAX_DEPENDENCIES + 1))).toThrow(refused(`more than ${MAX_DEPENDENCIES} things`));
  const long = metadata(`Summary: ${'x'.repeat(MAX_METADATA_HEAD)}`);
  expect(() => dependenciesOf(long)).toThrow(refused(`more than ${MAX_METADATA_HEAD} bytes`));
});
