import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalBytes } from '../../../src/repository/json-writer.ts';
import { canonicalize } from '../../../src/tuf/json/canonical.ts';
import { canonicalSourceOf, readJson } from '../../../src/tuf/json/json.ts';
import { JsonObject } from '../../../src/tuf/json/json-value.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a', 'b', '"', '\\', '\n', 'é', '\u{1f600}', '\uff61'),
);
const member = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    text,
    fc.array(tie('value')),
    tie('object'),
  ),
  object: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    tie('value'),
  ),
})).object;

function signedOf(document: string): JsonObject {
  const tree = runToEnd(readJson(Buffer.from(document)));
  const signed = tree instanceof JsonObject ? tree.get('signed') : undefined;
  if (!(signed instanceof JsonObject)) throw new Error('no signed member');
  return signed;
}

it('however a member is written, its canonical form is the same as an independent writer makes', () => {
  fc.assert(
    fc.property(member, fc.constantFrom(undefined, 1, '\t'), fc.boolean(), (signed, indent, first) => {
      const document = JSON.stringify(first ? { signed, signatures: [] } : { signatures: [], signed }, null, indent);
      expect(Buffer.from(runToEnd(canonicalize(signedOf(document))))).toEqual(Buffer.from(canonicalBytes(signed)));
    }),
    { numRuns: 500 },
  );
});

it('what was written canonically is taken as it was written', () => {
  const signed = signedOf('{ "signed":{"a":[1,{"b":"x"}],"c":{}} }');
  expect(canonicalSourceOf(signed)?.blanks).toBe(false);
  expect(Buffer.from(runToEnd(canonicalize(signed))).toString()).toBe('{"a":[1,{"b":"x"}],"c":{}}');
});

it.each([
  ['before a value', '{"signed":{"a": 1}}', '{"a":1}'],
  ['before the end', '{"signed":{"a":1 }}', '{"a":1}'],
  ['in an empty list', '{"signed":{"a":[ ]}}', '{"a":[]}'],
  ['of every kind', '{"signed":{\t"a"\r\n:  "b" }}', '{"a":"b"}'],
  ['inside texts too', '{"signed": {"a b" : [" c ", "", "d"]}}', '{"a b":[" c ","","d"]}'],
])('blanks %s are left out, and only between tokens', (_, document, canonical) => {
  const signed = signedOf(document);
  expect(canonicalSourceOf(signed)?.blanks).toBe(true);
  expect(Buffer.from(runToEnd(canonicalize(signed))).toString()).toBe(canonical);
});

it.each([
  ['names out of order', '{"signed":{"b":1,"a":1}}'],
  ['names out of order deeper down', '{"signed":{"a":[{"d":1,"c":1}]}}'],
  ['an escape that need not be one', '{"signed":{"a":"\\/"}}'],
  ['an escape in a name', '{"signed":{"\\u0061":1}}'],
  ['an escape that is canonical', '{"signed":{"a":"\\""}}'],
  ['a character outside ASCII', '{"signed":{"a":"é"}}'],
])('%s is not taken as written', (_, document) => {
  expect(canonicalSourceOf(signedOf(document))).toBeUndefined();
});
