import { expect, it } from 'vitest';
import { LIMITS } from '../../../../src/bundle/format/limits.ts';
import { decodeChange, decodeEntry, decodeHeader, decodePiece } from '../../../../src/bundle/format/manifest-lines.ts';
import { sizeInHeader, tarHeader } from '../../../../src/bundle/format/tar.ts';
import { HEADER } from '../../../support/bundles.ts';

// Each member of each line of a manifest, at and beyond what it may be.

const DIGEST = 'ab'.repeat(32);
const KEY = { public: DIGEST, name: 'next', from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z' };
const BASE = { number: 1, manifest: DIGEST };
const TOTALS = { entries: 1, members: 1, content: 1, body: 1, changes: 1, pieces: 1 };
const LINES = {
  header: {
    format: HEADER.format,
    index: { name: 'main', evidence: 'tuf', rootSha256: DIGEST, upstream: '' },
    number: 2,
    previous: DIGEST,
    base: BASE,
    stateAt: HEADER.stateAt,
    referenceTime: HEADER.referenceTime,
    policy: { maxAgeDays: 1 },
    selection: ['a*'],
    keys: [KEY],
    totals: TOTALS,
  },
  entry: {
    kind: 'page',
    project: 'a',
    name: 'n',
    version: 1,
    url: 'u',
    type: 't',
    serial: 0,
    confirmed: HEADER.stateAt,
    size: 1,
    sha256: DIGEST,
    also: { sha384: 'ab'.repeat(48), sha512: 'ab'.repeat(64), 'blake2b-256': DIGEST },
    bytes: 'here',
    coding: 'zstd',
    stored: 1,
  },
  change: { change: 'removed', project: 'a', name: 'f', reason: 'r' },
  piece: { piece: 1, size: 1, sha256: DIGEST },
} as const;
const DECODE = { header: decodeHeader, entry: decodeEntry, change: decodeChange, piece: decodePiece };

type Path = readonly (string | number)[];
const long = (characters: number) => 'x'.repeat(characters);
const WRONG: readonly (readonly [line: keyof typeof LINES, path: Path, values: readonly unknown[]])[] = [
  ['header', ['index', 'name'], ['', 'Main', 'a/b', '..', long(65)]],
  ['header', ['index', 'evidence'], ['none']],
  ['header', ['index', 'rootSha256'], [DIGEST.slice(1), DIGEST.toUpperCase()]],
  ['header', ['index', 'upstream'], [long(LIMITS.url + 1), 7]],
  ['header', ['number'], [0, 1.5, LIMITS.number + 1, '2']],
  ['header', ['previous'], ['', DIGEST.slice(1)]],
  ['header', ['base', 'number'], [0, LIMITS.number + 1]],
  ['header', ['base', 'manifest'], [DIGEST.slice(1)]],
  ['header', ['stateAt'], ['2026-01-02', '2026-13-02T00:00:00Z', 0]],
  ['header', ['referenceTime'], ['2026-02-30T00:00:00Z']],
  ['header', ['policy', 'maxAgeDays'], [0, 36_501, 1.5]],
  ['header', ['selection'], [[], Array(LIMITS.patterns + 1).fill('a')]],
  ['header', ['selection', 0], ['', long(LIMITS.pattern + 1)]],
  ['header', ['keys'], [Array(LIMITS.keys + 1).fill(KEY)]],
  ['header', ['keys', 0, 'public'], [DIGEST.slice(1)]],
  ['header', ['keys', 0, 'name'], ['', long(LIMITS.name + 1)]],
  ['header', ['keys', 0, 'from'], ['soon']],
  ['header', ['keys', 0, 'until'], ['late']],
  ['header', ['totals', 'entries'], [-1, LIMITS.entries + 1]],
  ['header', ['totals', 'members'], [-1, LIMITS.entries + 1]],
  ['header', ['totals', 'content'], [-1, LIMITS.body + 1]],
  ['header', ['totals', 'body'], [-1, LIMITS.body + 1]],
  ['header', ['totals', 'changes'], [-1, LIMITS.changes + 1]],
  ['header', ['totals', 'pieces'], [0, LIMITS.pieces + 1]],
  ['entry', ['kind'], ['link']],
  ['entry', ['project'], ['', long(LIMITS.name + 1)]],
  ['entry', ['name'], ['', long(LIMITS.name + 1)]],
  ['entry', ['version'], [0, 1.5]],
  ['entry', ['url'], ['', long(LIMITS.url + 1)]],
  ['entry', ['type'], [long(LIMITS.name + 1)]],
  ['entry', ['serial'], [-1, 1.5]],
  ['entry', ['confirmed'], ['now']],
  ['entry', ['size'], [-1, LIMITS.member + 1]],
  ['entry', ['sha256'], ['', DIGEST.slice(1), `${DIGEST}0`, `../${DIGEST.slice(3)}`]],
  ['entry', ['also', 'sha384'], [DIGEST]],
  ['entry', ['also', 'sha512'], [DIGEST]],
  ['entry', ['also', 'blake2b-256'], [DIGEST.slice(1)]],
  ['entry', ['bytes'], ['there']],
  ['entry', ['coding'], ['gzip']],
  ['entry', ['stored'], [-1, LIMITS.member + 1]],
  ['change', ['change'], ['moved']],
  ['change', ['project'], ['', long(LIMITS.name + 1)]],
  ['change', ['name'], ['', long(LIMITS.name + 1)]],
  ['change', ['reason'], [long(LIMITS.reason + 1)]],
  ['piece', ['piece'], [0, LIMITS.pieces + 1]],
  ['piece', ['size'], [0, LIMITS.body + 1]],
  ['piece', ['sha256'], [DIGEST.slice(1)]],
];

/** The value with another at this place; members keep their order. */
function put(value: unknown, [first, ...rest]: Path, other: unknown): unknown {
  if (first === undefined) return other;
  if (Array.isArray(value)) return value.map((each, at) => (at === first ? put(each, rest, other) : each));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, each]) => [name, name === first ? put(each, rest, other) : each]),
  );
}

const line = (value: unknown) => Buffer.from(JSON.stringify(value));

it.each(Object.keys(LINES) as (keyof typeof LINES)[])('the line of %s is read as it is written', (kind) => {
  expect(DECODE[kind](line(LINES[kind]))).toEqual(LINES[kind]);
});

it.each(WRONG.map(([kind, path, values]) => [kind, path.join('.'), path, values] as const))(
  'the line of %s is refused where its %s is wrong',
  (kind, _, path, values) => {
    for (const value of values)
      expect(() => DECODE[kind](line(put(LINES[kind], path, value))), JSON.stringify(value).slice(0, 80)).toThrow(
        expect.objectContaining({ reason: 'format' }),
      );
  },
);

it('a member of the archive has a short plain name and a size below eight gibibytes', () => {
  for (const name of ['', '/x', '../x', 'a b', 'ä', long(101)]) expect(() => tarHeader(name, 1)).toThrow(TypeError);
  for (const size of [-1, 1.5, LIMITS.member + 1, Number.NaN])
    expect(() => tarHeader('x', size)).toThrow(expect.objectContaining({ reason: 'limit' }));
  const header = tarHeader('x', 1000);
  expect(sizeInHeader(header, 'x', 1000)).toBe(1000);
  expect(() => sizeInHeader(header, 'x', 999)).toThrow(expect.objectContaining({ reason: 'limit' }));
  expect(() => sizeInHeader(header, 'y', 1000)).toThrow(expect.objectContaining({ reason: 'format' }));
});
