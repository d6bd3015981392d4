import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { sign } from '../../../src/repository/documents.ts';
import type { Style } from '../../../src/repository/json-writer.ts';
import { canonicalText } from '../../../src/repository/json-writer.ts';
import type { SigningKey } from '../../../src/repository/signing-keys.ts';
import {
  acceptDelegated,
  acceptRoot,
  acceptSnapshot,
  acceptTargets,
  acceptTimestamp,
} from '../../../src/tuf/accept.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { START } from '../../support/clock.ts';
import { authority, key } from '../../support/keys.ts';
import { createSimulator } from '../../support/simulator.ts';
import { startFrom } from '../../support/start.ts';

interface Judged {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly signers: readonly SigningKey[];
  readonly accept: (bytes: Uint8Array) => unknown;
}

/** One document of each kind, each judged at the stage to which the true ones before it lead. */
function documentsIn(style: Style): readonly Judged[] {
  const simulator = createSimulator({
    style,
    fill(r) {
      r.delegate('targets', { name: 'a', authority: authority(['a', 'b'], 1), paths: ['x', '*/*'] });
      r.delegate('a', { name: 'c', authority: authority(['c']), pathHashPrefixes: ['0', '1', '2', 'a', 'b'] });
      r.addTarget('a', 'x', Buffer.from('content'));
    },
  });
  simulator.repository.rotate('root', authority(['root', 'second'], 2));
  simulator.repository.publish();
  const atRoot1 = startFrom(simulator.rootBytes(1), START);
  const atRoot = runToEnd(acceptRoot(atRoot1, simulator.rootBytes(2)));
  const atTimestamp = runToEnd(acceptTimestamp(atRoot, simulator.bytes('timestamp.json'), {}));
  const atSnapshot = runToEnd(acceptSnapshot(atTimestamp, simulator.bytes('2.snapshot.json'), {}));
  const generation = runToEnd(acceptTargets(atSnapshot, simulator.bytes('1.targets.json')));
  const toA = generation.targets.signed.delegations?.named('a') ?? expect.fail();
  const judged = (file: string, signers: readonly string[], accept: Judged['accept']): Judged => ({
    file,
    bytes: simulator.bytes(file),
    signers: signers.map(key),
    accept,
  });
  return [
    judged('2.root.json', ['root', 'second'], (bytes) => runToEnd(acceptRoot(atRoot1, bytes))),
    judged('timestamp.json', ['timestamp'], (bytes) => runToEnd(acceptTimestamp(atRoot, bytes, {}))),
    judged('2.snapshot.json', ['snapshot'], (bytes) => runToEnd(acceptSnapshot(atTimestamp, bytes, {}))),
    judged('1.targets.json', ['targets'], (bytes) => runToEnd(acceptTargets(atSnapshot, bytes))),
    judged('1.a.json', ['a'], (bytes) => runToEnd(acceptDelegated(generation, toA, bytes))),
  ];
}

// As most tools write them, as those that write canonically do, and laid out for people.
const styles: readonly Style[] = [{}, { order: 'sorted' }, { indent: 1, finalNewline: true }];
const documents = styles.flatMap((style) => documentsIn(style));
const document = fc.constantFrom(...documents);

/** Whether the bytes are believed; throws what is no Refusal. */
function accepts({ accept }: Judged, bytes: Uint8Array): boolean {
  try {
    accept(bytes);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** What a signature covers, read by another parser and written by another writer. */
function meaning(bytes: Uint8Array): string {
  const parsed: { signed: unknown } = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return canonicalText(parsed.signed);
}

function neverAcceptedUnlessTheSame(judged: Judged, bytes: Uint8Array): void {
  if (accepts(judged, bytes)) expect(meaning(bytes)).toBe(meaning(judged.bytes));
}

it('unchanged, everything is accepted', () => {
  for (const judged of documents) expect(accepts(judged, judged.bytes), judged.file).toBe(true);
});

describe('changed bytes are never accepted unless they mean the same', () => {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const splice = (bytes: Uint8Array, from: number, remove: number, insert: Uint8Array) => {
    const at = Math.floor(from * bytes.length);
    return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
  };

  it('a flipped bit', () => {
    fc.assert(
      fc.property(document, place, fc.nat(7), (at, where, bit) => {
        const bytes = Buffer.from(at.bytes);
        const i = Math.floor(where * bytes.length);
        bytes[i] = (bytes[i] ?? 0) ^ (1 << bit);
        neverAcceptedUnlessTheSame(at, bytes);
      }),
      { numRuns: 250 },
    );
  });

  it('bytes taken out, put in, or both', () => {
    const insert = fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc
        .constantFrom(' ', '\n', '0', '"', '\\', ',', '{', '}', '[]', '{}', '"a":1,', '1,', 'e0', '.0', '\u{1f600}')
        .map((t) => Buffer.from(t)),
    );
    fc.assert(
      fc.property(document, place, fc.nat(3), insert, (at, where, remove, added) => {
        neverAcceptedUnlessTheSame(at, splice(at.bytes, where, remove, added));
      }),
      { numRuns: 250 },
    );
  });

  it('two pieces exchanged', () => {
    fc.assert(
      fc.property(document, fc.tuple(place, place, place, place), (at, cuts) => {
        const bytes = at.bytes;
        const [a, b, c, d] = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((x, y) => x - y);
        const parts = [
          [0, a],
          [c, d],
          [b, c],
          [a, b],
          [d, bytes.length],
        ].map(([from, to]) => bytes.subarray(from, to));
        neverAcceptedUnlessTheSame(at, Buffer.concat(parts));
      }),
      { numRuns: 100 },
    );
  });

  it('one document in the place of another', () => {
    for (const judged of documents)
      for (const other of documents) if (judged.file !== other.file) expect(accepts(judged, other.bytes)).toBe(false);
  });
});

const odd: readonly unknown[] = [
  null,
  true,
  0,
  1,
  -1,
  2,
  2n ** 53n,
  '',
  '1',
  'a',
  '0'.repeat(64),
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  { version: 1 },
];

/** The document as JSON.parse reads it, with the value at one place changed. */
function edited(value: unknown, at: number, edit: (value: unknown) => unknown): unknown {
  let left = at;
  const visit = (node: unknown): unknown => {
    if (left-- === 0) return edit(node);
    if (Array.isArray(node)) return node.map(visit).filter((item) => item !== undefined);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([name, member]) => [name, visit(member)]));
  };
  return visit(value);
}

function places(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, member) => sum + places(member), 1);
}

const edits = fc.oneof(
  fc.constantFrom(...odd).map((other) => () => other),
  fc.constant((value: unknown) => (Array.isArray(value) ? [...value, ...value] : value)),
  fc.constant((value: unknown) => (Array.isArray(value) ? value.toReversed() : value)),
  fc.constant((value: unknown) =>
    typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).slice(1)) : undefined,
  ),
  fc.constant((value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value, extra: 1 } : value,
  ),
  fc.constant((value: unknown) => (typeof value === 'string' ? value.toUpperCase() : value)),
  fc.constant((value: unknown) => (typeof value === 'number' ? value + 1 : value)),
);

describe('edited members', () => {
  it('are never accepted under the old signatures unless they mean the same', () => {
    fc.assert(
      fc.property(document, fc.nat(), edits, (at, where, edit) => {
        const parsed: unknown = JSON.parse(Buffer.from(at.bytes).toString('utf8'));
        const changed = edited(parsed, where % places(parsed), edit);
        // What is left out by `undefined` may be the whole document.
        neverAcceptedUnlessTheSame(at, Buffer.from(json(changed)));
      }),
      { numRuns: 250 },
    );
  });

  it('signed anew by the right keys, are accepted or refused, and nothing else is thrown', () => {
    fc.assert(
      fc.property(document, fc.nat(), edits, (judged, where, edit) => {
        const parsed: { signed: unknown } = JSON.parse(Buffer.from(judged.bytes).toString('utf8'));
        accepts(judged, sign(edited(parsed.signed, where % places(parsed.signed), edit) ?? null, judged.signers));
      }),
      { numRuns: 300 },
    );
  });
});

function json(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? Number(member) : member)) ?? '';
}

describe('whatever is read, only a Refusal is thrown', () => {
  const refusedOr = (bytes: Uint8Array) => {
    try {
      startFrom(bytes, START);
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal);
    }
  };
  it('random JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => refusedOr(Buffer.from(text))),
      { numRuns: 500 },
    );
  });
  it('random JSON in an envelope', () => {
    const envelope = fc.record({
      signed: fc.oneof(
        fc.jsonValue(),
        fc.record({ _type: fc.constant('root'), keys: fc.jsonValue(), roles: fc.jsonValue() }),
      ),
      signatures: fc.oneof(fc.jsonValue(), fc.array(fc.record({ keyid: fc.string(), sig: fc.string() }))),
    });
    fc.assert(
      fc.property(envelope, (value) => refusedOr(Buffer.from(JSON.stringify(value)))),
      { numRuns: 500 },
    );
  });
  it('random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refusedOr), { numRuns: 500 });
  });
});
