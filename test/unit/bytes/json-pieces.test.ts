import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonPieces, openJson } from '../../../src/bytes/json-pieces.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';

const LIMITS = { what: 'The page', subject: 'page', depth: 100, values: 1_000_000, piece: 1_000_000 } as const;
const open = (text: string | Uint8Array, limits: Readonly<Record<string, number>> = {}) =>
  openJson(typeof text === 'string' ? Buffer.from(text) : text, { ...LIMITS, ...limits });

/** Made of nothing but walks: every object and array is entered, every scalar made alone. */
function walked(json: JsonPieces): unknown {
  if (json.kind === 'array') {
    const items: unknown[] = [];
    json.elements(() => items.push(walked(json)));
    return items;
  }
  if (json.kind === 'other') return json.value();
  const members: [string, unknown][] = [];
  json.members((name) => members.push([name, walked(json)]));
  return Object.fromEntries(members);
}

/** Passes over all of it. */
function passed(json: JsonPieces): undefined {
  json.pieceOrNone();
  return undefined;
}

function outcome(read: (json: JsonPieces) => unknown, text: string | Uint8Array): unknown {
  try {
    const json = open(text);
    const value = read(json);
    json.end();
    return { value };
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return 'format';
  }
}

const reasonOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return error instanceof Refusal ? `${error.reason}: ${error.message}` : error;
  }
  return undefined;
};

describe('reads what JSON.parse reads, and refuses what it refuses', () => {
  const spaced = fc.json().chain((text) =>
    fc.array(fc.nat(), { maxLength: 4 }).map((cuts) => {
      let spacedText = text;
      for (const cut of cuts) {
        const at = cut % (spacedText.length + 1);
        spacedText = `${spacedText.slice(0, at)} \n${spacedText.slice(at)}`;
      }
      return spacedText;
    }),
  );
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom(...',:{}[]"\\01-.eE+tfnu \u0001é'))
    .map(([text, at, odd]) => {
      const cut = at % (text.length + 1);
      return at % 2 === 0 ? text.slice(0, cut) + odd + text.slice(cut) : text.slice(0, cut) + odd + text.slice(cut + 1);
    });
  it('whole, by walks and in passing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), spaced, damaged, fc.string()), (text) => {
        const expected = parsed(text.toWellFormed());
        const bytes = Buffer.from(text.toWellFormed());
        expect(outcome((json) => json.value(), bytes)).toEqual(expected);
        expect(outcome(walked, bytes)).toEqual(expected);
        expect(outcome(passed, bytes)).toEqual(expected === 'format' ? 'format' : { value: undefined });
      }),
      { numRuns: 3000 },
    );
  });

  it.each(['1', '"a"', '[1]', '["a":1}', ''])('refuses to walk %s as an object', (text) => {
    expect(outcome((json) => json.members(() => json.value()), text)).toBe('format');
  });

  it.each(['1', '"a"', '{"a":1}', '{1]', ''])('refuses to walk %s as an array', (text) => {
    expect(outcome((json) => json.elements(() => json.value()), text)).toBe('format');
  });

  it.each([
    '',
    '01',
    '-',
    '1.',
    '1e',
    '.5',
    '+1',
    'tru',
    'nul',
    '"\\x"',
    '"\\x0041"',
    '"\\u12g4"',
    '"a',
    '"\t"',
    '{"a"}',
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    '[1 2]',
    '1 2',
    '[}',
    '{]',
    ']',
  ])('no JSON: %j', (text) => {
    expect(parsed(text)).toBe('format');
    expect(outcome((json) => json.value(), text)).toBe('format');
    expect(outcome(walked, text)).toBe('format');
    expect(outcome(passed, text)).toBe('format');
  });

  it('ill-formed UTF-8 is refused, one byte order mark is not', () => {
    expect(outcome(passed, Uint8Array.of(0x22, 0xff, 0x22))).toBe('format');
    expect(outcome((json) => json.value(), Uint8Array.of(0xef, 0xbb, 0xbf, 0x31))).toEqual({ value: 1 });
  });
});

describe('what is left alone', () => {
  it('is passed over, and the next is read', () => {
    const json = open('{"a":{"x":[1,{"y":"}]"}]},"b":[2,3],"a":4}');
    const seen: unknown[] = [];
    json.members((name) => {
      seen.push(name);
      if (name === 'b') json.elements(() => seen.push(json.kind === 'other' && json.value()));
    });
    json.end();
    expect(seen).toEqual(['a', 'b', 2, 3, 'a']);
  });

  it('a look at the kind of a value is no reading', () => {
    const json = open('[ {}, [ ], 1 ]');
    const kinds: string[] = [];
    json.elements(() => kinds.push(json.kind));
    expect(kinds).toEqual(['object', 'array', 'other']);
  });
});

describe('limits', () => {
  it('values are counted whether they are made or passed over', () => {
    const text = '[[],{},1,"x"]';
    for (const read of [walked, passed]) {
      expect(reasonOf(() => read(open(text, { values: 5 })))).toBeUndefined();
      expect(reasonOf(() => read(open(text, { values: 4 })))).toBe('limit: The page holds more than 4 values.');
    }
  });

  it('nesting is counted whether it is entered or passed over', () => {
    const text = '{"a":[[1]],"b":[]}';
    for (const read of [walked, passed]) {
      expect(reasonOf(() => read(open(text, { depth: 3 })))).toBeUndefined();
      expect(reasonOf(() => read(open(text, { depth: 2 })))).toBe('limit: The page nests deeper than 2 levels.');
    }
    expect(reasonOf(() => passed(open('['.repeat(1_000_000))))).toContain('limit');
  });

  it('a piece that is too long is not made, and what follows is still read', () => {
    const json = open('["0123456789",7]', { piece: 8 });
    const seen: unknown[] = [];
    json.elements(() => seen.push(json.pieceOrNone()?.value));
    expect(seen).toEqual([undefined, 7]);
    expect(reasonOf(() => open('"0123456789"', { piece: 8 }).value())).toContain('limit');
    expect(reasonOf(() => open('{"0123456789":1}', { piece: 8 }).members(() => {}))).toContain('limit');
  });

  it('32 MiB of empty objects are refused in no time and no memory', () => {
    const bytes = Buffer.from(`[${'{},'.repeat(11_000_000)}{}]`);
    const before = process.memoryUsage().heapUsed;
    const started = cpuTime();
    expect(reasonOf(() => passed(open(bytes)))).toContain('limit');
    expect(cpuTime() - started).toBeLessThan(onThisMachine(1000));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });
});
