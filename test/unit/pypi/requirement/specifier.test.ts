import { describe, expect, it } from 'vitest';
import { parseSpecifiers } from '../../../../src/pypi/requirement/specifier.ts';

const contains = (specifiers: string, version: string) => parseSpecifiers(specifiers)?.contains(version);

describe('a clause over versions', () => {
  it.each([
    ['', '1.0', true],
    ['>=1.0,<2', '1.5', true],
    ['>=1.0,<2', '2.0', false],
    ['==1.2.*', '1.2.3', true],
    ['==1.2.*', '1.3', false],
    ['==1.2.*', '1.20', false],
    ['==1.0.*', '1', true],
    ['==1.2.*', '1!1.2.3', false],
    ['!=1.2.*', '1!1.2.3', true],
    ['~=1.2', '1.9', true],
    ['~=1.2', '2.0', false],
    ['~=1.2', '1!1.9', false],
    ['===1.0+a', '1.0+A', true],
    ['===odd', 'odd', true],
  ])('%j wants %s: %s', (specifiers, version, wanted) => {
    expect(contains(specifiers, version)).toBe(wanted);
  });

  it.each(['==1.0', '!=1.0', '<=1.0', '>=1.0', '<1.0', '>1.0', '~=1.0', '==1.*', '!=1.*'])(
    '%s wants nothing that is no version, also not where it says what is not wanted',
    (specifiers) => {
      expect(contains(specifiers, 'no version')).toBe(false);
    },
  );
});
