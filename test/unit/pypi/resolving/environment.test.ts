import { expect, it } from 'vitest';
import { environmentOf } from '../../../../src/pypi/resolving/environment.ts';

const LINUX = 'manylinux_2_28_x86_64';
const refused = (words: string) =>
  expect.objectContaining({ reason: 'format', message: expect.stringContaining(words) });

it('an environment is one of a Python version and a platform that installers have', () => {
  const { values, suits } = environmentOf('here', { python: '3.12.4', platform: LINUX });
  expect(values).toMatchObject({ python_version: '3.12', python_full_version: '3.12.4' });
  expect(suits('a-1-cp312-cp312-manylinux_2_17_x86_64.whl')).toBe(true);
  expect(suits('a-1-cp313-cp313-manylinux_2_17_x86_64.whl')).toBe(false);
});

it.each(['2.7', '3', '3.x', '4.1', '3.12.', 'python3.12', ''])('no Python has the version %j', (python) => {
  expect(() => environmentOf('here', { python, platform: LINUX })).toThrow(refused(`python must be a Python version`));
});

it.each(['amiga', 'manylinux_2_28', ''])('no installer has the platform %j', (platform) => {
  expect(() => environmentOf('here', { python: '3.12', platform })).toThrow(refused('no installer has the platform'));
});
