import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalText, compareCodePoints, jsonText } from '../../../src/repository/json-writer.ts';
import { canonicalize } from '../../../src/tuf/json/canonical.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { read } from '../../support/tree.ts';

function canonical(text: string): string {
  return Buffer.from(runToEnd(canonicalize(read(text)))).toString('utf8');
}

describe('canonical JSON (OLPC, TUF §4.1)', () => {
  it.each([
    ['white space goes', '{ "a" : [ 1 , 2 ] }\n', '{"a":[1,2]}'],
    ['members are sorted at every depth', '{"b":{"d":1,"c":2},"a":0}', '{"a":0,"b":{"c":2,"d":1}}'],
    ['lists keep their order', '[3,1,2]', '[3,1,2]'],
    ['the empty ones', '{"b":[],"a":{}}', '{"a":{},"b":[]}'],
    ['integer-like names are sorted as text', '{"10":1,"9":2,"a":3}', '{"10":1,"9":2,"a":3}'],
    ['a prefix comes first', '{"ab":1,"a":2,"":3}', '{"":3,"a":2,"ab":1}'],
    [
      'an astral name comes after U+E000 to U+FFFF',
      '{"\u{1f600}":1,"\uff61":2,"\ue000":3}',
      '{"\ue000":3,"\uff61":2,"\u{1f600}":1}',
    ],
    ['only quote and backslash are escaped', '["\\"\\\\\\/"]', '["\\"\\\\/"]'],
    ['control characters are raw', '["\\n\\u0000\\t\\u001f\u007f"]', '["\n\u0000\t\u001f\u007f"]'],
    ['escapes of ASCII and beyond become characters', '["\\u0041\\u00e9\\ud83d\\ude00"]', '["Aé😀"]'],
    ['NFD stays NFD', '["e\u0301"]', '["e\u0301"]'],
    [
      'big integers keep every digit',
      '[9007199254740993,-1000000000000000000000000000000]',
      '[9007199254740993,-1000000000000000000000000000000]',
    ],
    ['literals', '[true,false,null]', '[true,false,null]'],
    ['__proto__ is a name', '{"a":1,"__proto__":{"x":2}}', '{"__proto__":{"x":2},"a":1}'],
    ['a scalar alone', '"a"', '"a"'],
  ])('%s', (_, text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it('agrees with an independent writer, whatever the layout of the text', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
        fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
        fc.string({ unit: 'binary' }),
        fc.array(tie('value'), { maxLength: 5 }),
        fc
          .uniqueArray(fc.tuple(fc.string({ unit: 'binary' }), tie('value')), {
            selector: ([name]) => name,
            maxLength: 6,
          })
          .map((members) => new Map(members)),
      ),
    })).value;
    const style = fc.record({
      indent: fc.constantFrom(0, 1, 4),
      order: fc.constantFrom('as-written', 'sorted', 'reversed'),
    } as const);
    fc.assert(
      fc.property(value, style, (document, layout) => {
        expect(canonical(jsonText(document, layout))).toBe(canonicalText(document));
      }),
      { numRuns: 1000 },
    );
  });

  it('the order is that of UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareCodePoints(a, b))).toBe(Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
    );
  });

  it('a text longer than one piece stays whole', () => {
    const long = JSON.stringify(Array.from({ length: 30_000 }, (_, i) => `é${i}`));
    expect(canonical(long)).toBe(long);
  });
});
