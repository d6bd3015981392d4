import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envelope, sign } from '../src/repository/documents.ts';
import { ed25519Key } from '../src/repository/signing-keys.ts';
import { LIMITS } from '../src/tuf/limits.ts';
import { withDirectory } from './support/index.ts';
import { childFile, run } from './support/processes.ts';
import { atMost, type Measure, median, milliseconds } from './support/table.ts';

const SIZE = 500_000;
/** As many values as just fit: whoever writes a hostile root knows the limit. */
const MOST = LIMITS.rootValues - 100;
const TURNS = 3;
const KEY = ed25519Key();
const AUTHORITY = { keyids: [KEY.keyid], threshold: 1 };
const ROOT = {
  _type: 'root',
  spec_version: '1.0.34',
  version: 2,
  expires: '2036-01-01T00:00:00Z',
  consistent_snapshot: true,
  keys: new Map([[KEY.keyid, KEY.public]]),
  roles: { root: AUTHORITY, timestamp: AUTHORITY, snapshot: AUTHORITY, targets: AUTHORITY },
};
const JUNK = { keyid: KEY.keyid, sig: 'ab'.repeat(64) };

/** Unsigned roots as large as may be, made to cost as much as can be before they are refused. */
const HOSTILE: Readonly<Record<string, () => Uint8Array>> = {
  '10,800 keys': () => {
    const keys = new Map(range(10_800).map((i) => [String(i), { keytype: 'a', scheme: 'b', keyval: {} }]));
    return envelope({ ...ROOT, keys }, [JUNK]);
  },
  '1,000 keys in every role': () => {
    const keys = new Map(range(1000).map((i) => [String(i), ed25519Like(i)]));
    const role = { keyids: [...keys.keys()].slice(0, 256), threshold: 200 };
    const signatures = range(256).map((i) => ({ keyid: String(i), sig: JUNK.sig }));
    return envelope(
      { ...ROOT, keys, roles: { root: role, timestamp: role, snapshot: role, targets: role } },
      signatures,
    );
  },
  '3,000 signatures': () =>
    envelope(
      ROOT,
      range(3000).map((i) => ({ keyid: hex(i), sig: JUNK.sig.slice(64) })),
    ),
  '2,048 signatures': () =>
    envelope(
      ROOT,
      range(2048).map((i) => ({ keyid: hex(i), sig: JUNK.sig })),
    ),
  'nested lists': () => inserted('['.repeat(SIZE / 2) + ']'.repeat(SIZE / 2)),
  'nested objects': () => inserted(`${'{"a":'.repeat(SIZE / 6)}1${'}'.repeat(SIZE / 6)}`),
  'many lists at the depth allowed': () =>
    inserted(`[${range(SIZE / 122).map(() => '['.repeat(60) + ']'.repeat(60))}]`),
  'one long text': () => inserted(`"${'x'.repeat(SIZE)}"`),
  'one text of escapes': () => inserted(`"${'\\u0041'.repeat(SIZE / 6)}"`),
  'one text of backslashes': () => inserted(`"${'\\\\'.repeat(SIZE / 2)}"`),
  'a long member name': () => inserted(`{"${'x'.repeat(SIZE - 10)}":1}`),
  'many members': () => inserted(`{${range(SIZE / 10).map((i) => `"${i}":1`)}}`),
  'members in falling order': () => inserted(`{${range(SIZE / 11).map((i) => `"${hex(60_000 - i)}":1`)}}`),
  'many numbers': () => inserted(`[${'1,'.repeat(SIZE / 2)}1]`),
  'one long number': () => inserted('1'.repeat(SIZE)),
  'many long numbers': () => inserted(`[${range(SIZE / 101).map(() => '9'.repeat(100))}]`),
  'a text without end': () => inserted(`"${'x'.repeat(SIZE)}`),
  blanks: () => inserted(`${' '.repeat(SIZE)}1`),
  'most lists, and a text of backslashes': () =>
    inserted(`[${range(MOST / 60).map(() => '['.repeat(59) + ']'.repeat(59))},"${'\\\\'.repeat(220_000)}"]`),
  'most members, in no order': () => inserted(membersInNoOrder('q'.repeat(16))),
  'most members, in no order, beyond U+D800': () => inserted(membersInNoOrder('\ue000'.repeat(6))),
  'most objects of eight members in falling order': () =>
    inserted(`[${range(MOST / 9).map(() => `{${range(8).map((i) => `"${'q'.repeat(20)}${9 - i}":1`)}}`)}]`),
  'most numbers beyond 2^53': () => inserted(`[${range(MOST).map(() => '9'.repeat(30))}]`),
  'most texts of escapes': () => inserted(`[${range(MOST).map(() => `"${'\\u0041'.repeat(4)}abcd"`)}]`),
  'all keys, key ids and signatures allowed': () => {
    const keys = new Map(range(LIMITS.rootKeys).map((i) => [String(i), ed25519Like(i)]));
    const role = { keyids: [...keys.keys()].slice(0, LIMITS.roleKeys), threshold: LIMITS.roleKeys };
    const signatures = range(LIMITS.signatures - 1).map((i) => ({ keyid: String(i), sig: JUNK.sig }));
    const roles = { root: role, timestamp: role, snapshot: role, targets: role };
    return envelope({ ...ROOT, keys, roles }, [JUNK, ...signatures]);
  },
};

/** A hostile root of 512 KB, the most that is read: how soon it is refused. */
export const hostileRoot: Measure = (log) =>
  withDirectory(async (directory) => {
    writeFileSync(join(directory, 'trusted.json'), sign({ ...ROOT, version: 1 }, [KEY]));
    const worst: (readonly [name: string, took: number])[] = [];
    for (const [name, make] of Object.entries(HOSTILE)) {
      log(`root: ${name}`);
      const file = join(directory, 'hostile.json');
      writeFileSync(file, make());
      // A process each: nothing is warm when an attack begins.
      const figures: number[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        const judge = [childFile('judge-root.ts'), join(directory, 'trusted.json'), file];
        figures.push(Number((await run(process.execPath, judge)).stdout));
      }
      worst.push([name, median(figures)]);
    }
    worst.sort(([, a], [, b]) => b - a);
    const [name = '', took = Number.NaN] = worst[0] ?? [];
    return [
      atMost(
        `hostile root of 512 KB refused, the slowest of ${worst.length} kinds (${name})`,
        took,
        100,
        milliseconds,
        worst
          .slice(1, 4)
          .map(([next, figure]) => `${next} ${milliseconds(figure)}`)
          .join(', '),
      ),
    ];
  });

function range(count: number): readonly number[] {
  return Array.from({ length: Math.floor(count) }, (_, i) => i);
}

/** One object; the same in every run. */
function membersInNoOrder(prefix: string): string {
  // 7,919 is prime to the count, so that each comes once.
  return `{${range(MOST).map((i) => `"${prefix}${hex((i * 7919) % MOST)}":1`)}}`;
}

function hex(i: number): string {
  return i.toString(16).padStart(4, '0');
}

function ed25519Like(i: number) {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex(i).padStart(64, '1') } };
}

/** A root with this text as the value of a member, by hand: no writer would write some of them. */
function inserted(text: string): Uint8Array {
  const whole = Buffer.from(envelope({ a: 'HERE', ...ROOT }, [JUNK])).toString();
  return Buffer.from(whole.replace('"HERE"', () => text)).subarray(0, 512_000);
}
