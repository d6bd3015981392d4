import { expect, it } from 'vitest';
import { licenceIn } from '../../../../src/bundle/export/licence.ts';

const of = (...lines: readonly string[]) =>
  licenceIn(Buffer.from(`${['Metadata-Version: 2.4', ...lines].join('\n')}\n\nLicense: in the text`));

it.each<readonly [string | undefined, readonly string[]]>([
  [
    'MIT OR Apache-2.0',
    ['License: old', 'License-Expression: MIT OR Apache-2.0', 'Classifier: License :: OSI Approved :: MIT License'],
  ],
  [
    'MIT License, BSD License',
    ['Classifier: License :: OSI Approved :: MIT License', 'Classifier: License :: OSI Approved :: BSD License'],
  ],
  ['BSD 3-Clause', ['License: BSD 3-Clause']],
  [undefined, ['License: UNKNOWN']],
  [undefined, ['Name: x']],
  ['x'.repeat(200), [`License: ${'x'.repeat(5000)}`]],
])('%s is the licence that core metadata states', (licence, lines) => {
  expect(of(...lines)).toBe(licence);
});
