import { expect, it } from 'vitest';
import { MAX_METADATA_HEAD, MAX_REQUIREMENTS } from '../../../../src/pypi/limits.ts';
import { requiredProjects } from '../../../../src/pypi/resolving/requirements.ts';

const metadata = (...lines: readonly string[]) => Buffer.from(`Metadata-Version: 2.1\n${lines.join('\n')}\n`);

it.each([
  ['idna', ['idna']],
  ['Charset_Normalizer<4,>=2', ['charset-normalizer']],
  ['urllib3 (>=1.21.1,<3)', ['urllib3']],
  ['PySocks[secure] != 1.5.7', ['pysocks']],
  ['zope.interface~=6.0', ['zope-interface']],
  ["tomli>=1; python_version < '3.11'", ['tomli']],
  ["win; sys_platform == 'win32' and python_version >= '3.9'", ['win']],
  ["PySocks!=1.5.7; extra == 'socks'", []],
  ["both; python_version > '3' and extra == 'all'", []],
  ['extra-data', ['extra-data']],
  ['direct @ https://example.com/direct-1.0-py3-none-any.whl', []],
  ['direct[all] @ https://example.com/direct-1.0.zip ; python_version > "3"', []],
  ['', []],
  ['-x', []],
  ['ends-', []],
  [`${'n'.repeat(300)}`, []],
])('%j requires %j', (requirement, names) => {
  expect(requiredProjects(metadata(`Requires-Dist: ${requirement}`))).toEqual(names);
});

it('names are given once, in their order, whatever the case of the header and the end of a line', () => {
  const lines = Buffer.from('Name: a\r\nRequires-Dist: B\r\nrequires-dist:c\r\nRequires-Dist: b>1\r\nProvides: d\r\n');
  expect(requiredProjects(lines)).toEqual(['b', 'c']);
});

it('a description requires nothing', () => {
  const lines = 'Name: a\nRequires-Dist: b\n\nRequires-Dist: c\n';
  expect(requiredProjects(Buffer.from(lines))).toEqual(['b']);
  expect(requiredProjects(Buffer.from(lines.replaceAll('\n', '\r\n')))).toEqual(['b']);
});

it('no more names are given than there may be', () => {
  const lines = Array.from({ length: MAX_REQUIREMENTS + 5 }, (_, n) => `Requires-Dist: p${n}`);
  expect(requiredProjects(metadata(...lines))).toHaveLength(MAX_REQUIREMENTS);
});

it('no more bytes are read than there may be', () => {
  const long = `Description: ${'x'.repeat(MAX_METADATA_HEAD)}`;
  expect(requiredProjects(metadata(long, 'Requires-Dist: late'))).toEqual([]);
});
