import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Refusal } from '../../src/bytes/refusal.ts';
import { sign } from '../../src/repository/documents.ts';
import { acceptDelegated, acceptRoot, acceptSnapshot, acceptTargets, acceptTimestamp } from '../../src/tuf/accept.ts';
import type { Targets } from '../../src/tuf/model.ts';
import { runToEnd } from '../../src/tuf/sliced.ts';
import { openSnapshot, openTimestamp } from '../../src/tuf/stored.ts';
import { START } from '../support/clock.ts';
import { pythonTuf } from '../support/environments.ts';
import { authority, key } from '../support/keys.ts';
import { clientEnvironment, requirePart } from '../support/python.ts';
import { createSimulator } from '../support/simulator.ts';
import { startFrom } from '../support/start.ts';

// Documents that were changed and then signed again by the right keys: what one implementation believes, the other
// should. Everything we accept and python-tuf does not is listed here by name, and in docs/decisions.md.

const JUDGE = fileURLToPath(new URL('judge.py', import.meta.url));
/** Fixed, so that a difference found is found again. */
const SEED = Number(process.env['VERBATIM_TEST_SEED'] ?? 458);
const CASES = Number(process.env['VERBATIM_TEST_CASES'] ?? 1500);
const PATHS = ['x', 'd/y', 'd/e/z', '', 'd/', '[', 'd/*'];

const bin = await pythonTuf();

type Role = 'root' | 'timestamp' | 'snapshot' | 'targets' | 'delegated';
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const simulator = createSimulator({
  fill(r) {
    const held = (name: string) => authority([name]);
    r.delegate('targets', { name: 'a', authority: authority(['a', 'b'], 1), paths: ['x', '*/*'], terminating: true });
    r.delegate('targets', { name: 'h', authority: held('h'), pathHashPrefixes: ['0', '1a', 'e', 'f'] });
    r.delegate('a', { name: 'c', authority: held('c'), paths: ['d/[xyz]', '?/*'] });
    r.delegateSuccinct('h', 's', 2, held('s'));
    r.addTarget('targets', 'x', Buffer.from('content'));
    r.addTarget('a', 'd/y', Buffer.from('more content'));
  },
});
const { repository, bytes: published } = simulator;
const timestamp1 = published('timestamp.json');
repository.rotate('root', authority(['root', 'second'], 2));
repository.touch('a');
repository.publish();

const atRoot1 = startFrom(published('1.root.json'), START);
const atRoot = runToEnd(acceptRoot(atRoot1, published('2.root.json')));
const survivors = {
  timestamp: runToEnd(openTimestamp(atRoot, timestamp1)),
  snapshot: runToEnd(openSnapshot(atRoot, published('1.snapshot.json'))),
};
const atTimestamp = runToEnd(acceptTimestamp(atRoot, published('timestamp.json'), survivors));
const atSnapshot = runToEnd(acceptSnapshot(atTimestamp, published('2.snapshot.json'), survivors));
const generation = runToEnd(acceptTargets(atSnapshot, published('1.targets.json')));
const toA = generation.targets.signed.delegations?.named('a');

interface Document {
  readonly role: Role;
  readonly signed: Json;
  readonly signers: readonly string[];
  /** Throws Refusal. */
  readonly accept: (bytes: Uint8Array) => Targets | undefined;
}

function document(role: Role, file: string, signers: readonly string[], accept: Document['accept']): Document {
  const { signed } = JSON.parse(Buffer.from(published(file)).toString()) as { signed: Json };
  return { role, signed, signers, accept };
}

const documents: readonly Document[] = [
  document('root', '2.root.json', ['root', 'second'], (bytes) => void runToEnd(acceptRoot(atRoot1, bytes))),
  document(
    'timestamp',
    'timestamp.json',
    ['timestamp'],
    (bytes) => void runToEnd(acceptTimestamp(atRoot, bytes, survivors)),
  ),
  document(
    'snapshot',
    '2.snapshot.json',
    ['snapshot'],
    (bytes) => void runToEnd(acceptSnapshot(atTimestamp, bytes, survivors)),
  ),
  document(
    'targets',
    '1.targets.json',
    ['targets'],
    (bytes) => runToEnd(acceptTargets(atSnapshot, bytes)).targets.signed,
  ),
  document('delegated', '2.a.json', ['a'], (bytes) =>
    toA === undefined ? undefined : runToEnd(acceptDelegated(generation, toA, bytes)).signed,
  ),
];

const odd: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  ...[
    null,
    true,
    false,
    0,
    1,
    2,
    3,
    -1,
    33,
    2 ** 31,
    Number.MAX_SAFE_INTEGER,
    '',
    'x',
    '0',
    '1',
    'root',
    'a',
    '*',
    '[x',
    '**',
  ],
  ...[
    '1.0.0',
    '1.0',
    '1',
    '2.0.0',
    '1.0.0.1',
    'v1.0.0',
    '1.x.0',
    'ed25519',
    'rsa',
    'sha256',
    'ABCDEF',
    'ff',
    'zz',
    'é',
    '\u{1f600}',
  ],
  ...[
    '2030-01-01T00:00:00Z',
    '2025-12-31T23:59:59Z',
    '2026-01-01T00:00:00Z',
    '2030-02-30T00:00:00Z',
    '2030-01-01T00:00:00+00:00',
  ],
  ...[
    '2030-1-1T0:0:0Z',
    '2030-01-01T24:00:00Z',
    '2030-01-01t00:00:00z',
    '2030-01-01',
    '0001-01-01T00:00:00Z',
    '99999-01-01T00:00:00Z',
  ],
  ...([[], {}, ['x'], ['x', 'x'], [1], { version: 1 }, { sha256: 'ff' }, { version: 2, length: 5 }] as Json[]),
);

/** Somewhere in a tree something else: replaced, taken out, put in, renamed, doubled or moved. */
const change = fc.record({
  where: fc.nat(),
  how: fc.constantFrom('replace', 'replace', 'remove', 'add', 'rename', 'double', 'copy'),
  value: odd,
  name: fc.constantFrom(
    'extra',
    '',
    'length',
    'hashes',
    'version',
    'targets.json',
    'custom',
    'paths',
    'path_hash_prefixes',
    'keyids',
    'roles',
    'succinct_roles',
    'x',
    '__proto__',
    'sha256',
    'sha512',
    'é',
  ),
  from: fc.nat(),
});

interface Place {
  readonly holder: Json[] | { [name: string]: Json };
  readonly name: string;
}

function placesIn(tree: Json): Place[] {
  if (tree === null || typeof tree !== 'object') return [];
  return Object.keys(tree).flatMap((name) => [{ holder: tree, name }, ...placesIn(at({ holder: tree, name }))]);
}

function at({ holder, name }: Place): Json {
  return Array.isArray(holder) ? (holder[Number(name)] ?? null) : (holder[name] ?? null);
}

function put({ holder, name }: Place, value: Json): void {
  if (Array.isArray(holder)) holder[Number(name)] = value;
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

function changed(signed: Json, changes: readonly (typeof change extends fc.Arbitrary<infer C> ? C : never)[]): Json {
  const tree = structuredClone(signed);
  for (const { where, how, value, name, from } of changes) {
    const places = placesIn(tree);
    const place = places[where % places.length];
    const source = places[from % places.length];
    if (place === undefined || source === undefined) continue;
    const own = structuredClone(at(place));
    if (how === 'replace') put(place, value);
    if (how === 'copy') put(place, structuredClone(at(source)));
    if (how === 'remove' || how === 'rename') {
      if (Array.isArray(place.holder)) place.holder.splice(Number(place.name), 1);
      else delete place.holder[place.name];
    }
    if (how === 'rename') put({ ...place, name: Array.isArray(place.holder) ? '0' : name }, own);
    if (how === 'double')
      Array.isArray(place.holder) ? place.holder.push(own) : put({ ...place, name: `${place.name}2` }, own);
    if (how === 'add') {
      const into = own !== null && typeof own === 'object' ? at(place) : place.holder;
      if (Array.isArray(into)) into.push(value);
      else if (into !== null && typeof into === 'object') put({ holder: into, name }, value);
    }
  }
  return tree;
}

const cases = fc.sample(
  fc.record({ at: fc.constantFrom(...documents), changes: fc.array(change, { minLength: 1, maxLength: 2 }) }),
  { seed: SEED, numRuns: CASES },
);

interface Verdict {
  readonly verdict: string;
  readonly next?: Readonly<Record<string, readonly (readonly [string, boolean])[]>>;
  readonly lengths?: Readonly<Record<string, number>>;
}

async function pythonsVerdicts(
  judged: readonly { readonly role: Role; readonly bytes: Uint8Array }[],
): Promise<readonly Verdict[]> {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const child = spawn(join(bin ?? '', 'python'), [JUDGE], { env: clientEnvironment(), stdio: 'pipe' });
  child.stdin.end(
    JSON.stringify({
      base: {
        root1: base64(published('1.root.json')),
        root2: base64(published('2.root.json')),
        timestamp1: base64(timestamp1),
        timestamp2: base64(published('timestamp.json')),
        snapshot1: base64(published('1.snapshot.json')),
        snapshot2: base64(published('2.snapshot.json')),
        targets: base64(published('1.targets.json')),
      },
      time: START,
      paths: PATHS,
      cases: judged.map(({ role, bytes }) => ({ role, bytes: base64(bytes) })),
    }),
  );
  const [said, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (said === '') throw new Error(error);
  return JSON.parse(said) as readonly Verdict[];
}

function ours({ accept }: Document, bytes: Uint8Array): Verdict {
  try {
    const targets = accept(bytes);
    if (targets === undefined) return { verdict: 'accepted' };
    const next = PATHS.map((path) => [
      path,
      (targets.delegations?.childrenFor(path) ?? []).map(({ name, terminating }) => [name, terminating]),
    ]);
    const lengths = PATHS.flatMap((path) => {
      const target = targets.targets.get(path);
      return target === undefined ? [] : [[path, target.length]];
    });
    return { verdict: 'accepted', next: Object.fromEntries(next), lengths: Object.fromEntries(lengths) };
  } catch (error) {
    if (error instanceof Refusal) return { verdict: error.reason };
    throw error;
  }
}

const KEY_SPOILT = /^DeserializationError \w+: .*\.keys\.[^;]*(keytype|scheme|keyval)/;

/** What is believed here and not by python-tuf (docs/decisions.md "What a document must be"): its error, and where the change is. */
const KNOWN_DIFFERENCES: readonly (readonly [string, RegExp])[] = [
  ['a key of a kind not known here, or no key at all, counts for nothing and spoils nothing', KEY_SPOILT],
  ['a root may name further roles', /^DeserializationError root: .*\.roles\.[^.]* added/],
  ['a timestamp may describe further files', /^UnsignedMetadataError timestamp: .*\.meta\.[^;]* added/],
];

describe.runIf(requirePart('python-tuf', bin))('changed and signed again', () => {
  it('what is believed here, python-tuf believes and reads alike, but for the listed differences', {
    timeout: 120_000,
  }, async () => {
    const judged = cases.map(({ at: doc, changes }) => {
      const signed = changed(doc.signed, changes);
      return { doc, role: doc.role, signed, bytes: sign(signed, doc.signers.map(key)) };
    });
    const theirs = await pythonsVerdicts(judged);
    const unexpected: string[] = [];
    const readOtherwise: string[] = [];
    let believed = 0;
    judged.forEach(({ doc, role, signed, bytes }, i) => {
      const we = ours(doc, bytes);
      const they = theirs[i];
      if (they === undefined) throw new Error('a verdict is missing');
      if (we.verdict !== 'accepted') return;
      const change = `${they.verdict} ${role}: ${difference(doc.signed, signed)}`;
      if (they.verdict === 'accepted') {
        believed++;
        if (JSON.stringify([we.next, we.lengths]) !== JSON.stringify([they.next, they.lengths]))
          readOtherwise.push(change);
      } else if (!KNOWN_DIFFERENCES.some(([, where]) => where.test(change))) unexpected.push(change);
    });
    expect(unexpected).toEqual([]);
    expect(readOtherwise).toEqual([]);
    // The test would prove nothing if hardly anything were believed.
    expect(believed).toBeGreaterThan(CASES / 10);
  });
});

/** The first few places in which two trees differ. */
function difference(a: Json, b: Json, path = ''): string {
  if (JSON.stringify(a) === JSON.stringify(b)) return '';
  if (
    a === null ||
    b === null ||
    typeof a !== 'object' ||
    typeof b !== 'object' ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return `${path} ${JSON.stringify(a)?.slice(0, 80)} → ${JSON.stringify(b)?.slice(0, 80)}; `;
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names
    .map((name) => {
      const has = (tree: object) => Object.hasOwn(tree, name);
      if (!has(b)) return `${path}.${name} removed; `;
      if (!has(a)) return `${path}.${name} added ${JSON.stringify(at({ holder: b, name })).slice(0, 80)}; `;
      return difference(at({ holder: a, name }), at({ holder: b, name }), `${path}.${name}`);
    })
    .join('');
}
