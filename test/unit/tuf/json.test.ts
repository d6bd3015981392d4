import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '../../../src/tuf/json/json.ts';
import { JsonObject } from '../../../src/tuf/json/json-value.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { reasonOf } from '../../support/client.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';
import { plain, read } from '../../support/tree.ts';

const utf8 = (text: string) => Buffer.from(text, 'utf8');

describe('what is not strict JSON is refused', () => {
  const cases: readonly (readonly [string, string | Uint8Array])[] = [
    ['nothing at all', ''],
    ['blanks only', ' \n'],
    ['the same member twice', '{"a":1,"a":1}'],
    ['the same member twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
    ['a byte-order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), utf8('{}')])],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['a NUL behind the document', '{}\0'],
    ['a second document', '{}{}'],
    ['a vertical tab before it', '\v{}'],
    ['a no-break space before it', '\u00a0{}'],
    ['a line separator between tokens', '[1,\u20281]'],
    ['a leading zero', '[01]'],
    ['a plus sign', '[+1]'],
    ['a minus sign alone', '[-]'],
    ['a raw line feed in a string', '["\n"]'],
    ['a raw NUL in a string', '["\0"]'],
    ['a raw unit separator beside an escape', '["\\n\u001f"]'],
    ['a stray byte', Buffer.from([0x22, 0xff, 0x22])],
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate written in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a cut character', Buffer.from([0x22, 0xf0, 0x9f, 0x98, 0x22])],
    ['a lone high surrogate escape', '["\\ud800"]'],
    ['a lone low surrogate escape', '["\\udfff"]'],
    ['surrogates in the wrong order', '["\\ude00\\ud83d"]'],
    ['a lone surrogate in a name', '{"\\ud800":1}'],
    ['NaN', '[NaN]'],
    ['Infinity', '[-Infinity]'],
    ['a fraction', '[1.0]'],
    ['an exponent', '[1e2]'],
    ['a capital exponent', '[1E2]'],
    ['minus zero', '[-0]'],
    ['hexadecimal', '[0x10]'],
    ['a comma too many in a list', '[1,]'],
    ['a comma too many in an object', '{"a":1,}'],
    ['a comma alone', '[,]'],
    ['a missing comma', '[1 2]'],
    ['a missing colon', '{"a" 1}'],
    ['another sign than a colon', '{"a"=1}'],
    ['a missing value', '{"a":}'],
    ['a bare name', '{a:1}'],
    ['single quotes', "['a']"],
    ['a comment', '[1]//'],
    ['an unknown escape', '["\\x41"]'],
    ['an escape that does not end', '["\\u00'],
    ['an escape of non-ASCII digits', '["\\u００４１"]'],
    ['a string that does not end', '["a'],
    ['a string that ends in a backslash', '["a\\"'],
    ['a list that does not end', '[1'],
    ['an object that does not end', '{"a":1'],
    ['a list closed as an object', '[1}'],
    ['an object closed as a list', '{"a":1]'],
    ['a closing bracket too many', '[]]'],
    ['a capital literal', '[True]'],
    ['a literal that goes on', '[nullx]'],
    ['a literal cut short', '[tru]'],
  ];
  it.each(cases)('%s', async (_, text) => {
    expect(await reasonOf(() => read(text))).toBe('format');
  });
});

describe('limits', () => {
  it('nesting to the limit is read, one deeper is not', async () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(read(nested(LIMITS.jsonDepth))).toBeInstanceOf(Array);
    expect(await reasonOf(() => read(nested(LIMITS.jsonDepth + 1)))).toBe('limit');
  });

  it('a million open brackets cost nothing', async () => {
    const deep = Buffer.alloc(1_000_000, '[');
    const start = cpuTime();
    expect(await reasonOf(() => read(deep))).toBe('limit');
    expect(cpuTime() - start).toBeLessThan(onThisMachine(100));
  });

  it('objects count as depth as lists do', async () => {
    expect(await reasonOf(() => read('{"a":'.repeat(LIMITS.jsonDepth + 1)))).toBe('limit');
  });

  it('an integer of a thousand digits', async () => {
    expect(await reasonOf(() => read('9'.repeat(LIMITS.jsonDigits + 1)))).toBe('limit');
  });
});

it.each(['[1.0]', '[1e2]', '[1E2]', '[01]'])(
  '%s is told as what it is, and not as something behind a number',
  (text) => {
    expect(() => read(text)).toThrow('a number that is not a plain integer');
  },
);

describe('a fraction', () => {
  it('beside what is signed is read, as every parser reads it', () => {
    const text = '{"note":{"took":[1.5,-0.25,1e2,2.5E-3]},"signatures":[],"signed":{"a":1},"z":0.1}';
    expect(plain(read(text))).toMatchObject({ note: { took: [1.5, -0.25, 100, 0.0025] }, z: 0.1 });
  });

  it.each(['1e999', '1.', '.5', '01.5', '1.5.5', '1e', '-0.0', '0.12345678901234567', '1e2147483648'])(
    'that parsers read differently is refused there: %s',
    async (number) => {
      expect(await reasonOf(() => read(`{"note":${number},"signed":{}}`))).toBe('format');
    },
  );

  it.each([
    '{"signed":{"a":1.5}}',
    '{"signed":{"a":[{"b":1e2}]}}',
    '{"\\u0073igned":{"a":1.5}}',
    '{"signed":1.5}',
    '1.5',
  ])('in what is signed is refused: %s', async (text) => {
    expect(await reasonOf(() => read(text))).toBe('format');
  });
});

describe('what is read', () => {
  it('integers stay exact', () => {
    expect(read('[9007199254740991,9007199254740993,-9007199254740993,1000000000000000000000000000000]')).toEqual([
      9007199254740991,
      9007199254740993n,
      -9007199254740993n,
      10n ** 30n,
    ]);
  });

  it('names are data: __proto__, constructor and 9 keep their place', () => {
    const tree = read('{"b":1,"__proto__":2,"9":3,"constructor":4}');
    expect(tree).toBeInstanceOf(JsonObject);
    expect([...(tree as JsonObject)]).toEqual([
      ['b', 1],
      ['__proto__', 2],
      ['9', 3],
      ['constructor', 4],
    ]);
  });

  it('escapes, surrogate pairs and NFD stay what they are', () => {
    expect(read('["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00","e\u0301","\u007f\u2028"]')).toEqual([
      '"\\/\b\f\n\r\t\u00e9\u{1f600}',
      'e\u0301',
      '\u007f\u2028',
    ]);
  });

  it('blanks between all tokens', () => {
    expect(plain(read(' \t\r\n{ "a" : [ 1 , { } , [ ] ] , "b" : null } \n'))).toEqual({ a: [1, {}, []], b: null });
  });

  it('time is linear: a 16,384-bin snapshot in a fraction of a second', () => {
    const meta = Array.from({ length: 16_384 }, (_, i) => `"bin-${i}.json":{"length":1,"version":${i + 1}}`).join();
    const start = cpuTime();
    expect(read(`{"meta":{${meta}}}`)).toBeInstanceOf(JsonObject);
    expect(cpuTime() - start).toBeLessThan(onThisMachine(500));
  });

  it('a long document pauses on the way', () => {
    const steps = [...readJson(utf8(`[${'1,'.repeat(100_000)}1]`))];
    expect(steps.length).toBeGreaterThan(10);
  });
});

describe('agrees with JSON.parse on everything both accept', () => {
  const alphabet = fc.constantFrom(...'{}[]:,"\\/ \n\t\u0000\u001f\ud800é😀019-+.eEtrufalsn'.split(''));
  const almostJson = fc.oneof(
    fc.json(),
    fc.string({ unit: alphabet, maxLength: 30 }),
    fc.tuple(fc.json(), fc.nat(), alphabet).map(([text, at, char]) => {
      const i = at % (text.length + 1);
      return text.slice(0, i) + char + text.slice(i);
    }),
    fc.tuple(fc.json(), fc.nat()).map(([text, at]) => {
      const i = at % (text.length + 1);
      return text.slice(0, i) + text.slice(i + 1);
    }),
  );

  it('whatever is read, JSON.parse reads alike', () => {
    fc.assert(
      fc.property(almostJson, (text) => {
        const bytes = utf8(text);
        let tree: ReturnType<typeof read>;
        try {
          tree = runToEnd(readJson(bytes));
        } catch {
          return;
        }
        expect(plain(tree)).toEqual(plainOf(JSON.parse(bytes.toString('utf8'))));
      }),
      { numRuns: 3000 },
    );
  });

  it('every document without fractions is read', () => {
    const value = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger().map((n) => (Object.is(n, -0) ? 0 : n)),
        fc.string({ unit: 'grapheme' }),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 5 }),
      ),
    })).value;
    fc.assert(
      fc.property(value, fc.constantFrom(0, 1, 4), (document, indent) => {
        const text = JSON.stringify(document, undefined, indent);
        expect(plain(read(text))).toEqual(JSON.parse(text));
      }),
      { numRuns: 1000 },
    );
  });
});

/** JSON.parse's value with __proto__ members made as plain as ours. */
function plainOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plainOf(member)]));
}
